// The node graph: layers from left to right, as Grafana's layered layout.

import { init } from "echarts";

import { fieldsOf, type Field } from "./frames";
import type { Panel } from "./panel";

const LAYER_PX = 210;
const NODE_PX = 62;
const LABEL_CHARS = 26;

interface Node {
  readonly id: string;
  readonly title: string;
  readonly subtitle: string;
  readonly color: string;
}

interface Edge {
  readonly source: string;
  readonly target: string;
  readonly how: string;
}

const column = (fields: readonly Field[], name: string, i: number) => String(fields.find((f) => f.name === name)?.values[i] ?? "");

export function graph(panel: Panel, into: HTMLElement): void {
  const [first, second] = panel.frames;
  if (!first || !second) return;
  const [n, e] = [fieldsOf(first), fieldsOf(second)];
  const nodes = (n[0]?.values ?? []).map((_, i): Node => ({ id: column(n, "id", i), title: column(n, "title", i), subtitle: column(n, "subtitle", i), color: column(n, "color", i) || "#8ab8ff" }));
  const edges = (e[0]?.values ?? []).map((_, i): Edge => ({ source: column(e, "source", i), target: column(e, "target", i), how: column(e, "mainstat", i) }));
  const layer = layers(nodes, edges);
  const filled = new Map<number, number>();
  const placed = nodes.map((node) => {
    const depth = layer.get(node.id) ?? 0;
    const row = filled.get(depth) ?? 0;
    filled.set(depth, row + 1);
    return { node, depth, row };
  });
  init(into).setOption({
    animation: false,
    series: [
      {
        type: "graph",
        layout: "none",
        roam: false,
        edgeSymbol: ["none", "arrow"],
        edgeSymbolSize: 7,
        lineStyle: { color: "#9aa2ad", curveness: 0.05, opacity: 0.8 },
        data: placed.map(({ node, depth, row }) => ({
          name: node.id,
          x: depth * LAYER_PX,
          y: (row - ((filled.get(depth) ?? 1) - 1) / 2) * NODE_PX,
          symbolSize: 22,
          itemStyle: { color: "#ffffff", borderColor: node.color, borderWidth: 3 },
          label: { show: true, position: "bottom", distance: 3, lineHeight: 12, formatter: `${node.title}\n${shortened(node.subtitle)}`, fontSize: 10, color: "#24292e" },
        })),
        links: edges.map(({ source, target }) => ({ source, target })),
      },
    ],
  });
}

const shortened = (text: string) => (text.length > LABEL_CHARS ? `${text.slice(0, LABEL_CHARS)}...` : text);

/** How far each node lies behind the sources, round trips left out. */
function layers(nodes: readonly Node[], edges: readonly Edge[]): Map<string, number> {
  const depth = new Map(nodes.map(({ id }) => [id, 0]));
  for (let turn = 0; turn < nodes.length; turn++) {
    let changed = false;
    for (const { source, target } of edges) {
      const wanted = (depth.get(source) ?? 0) + 1;
      if (wanted > (depth.get(target) ?? 0) && wanted < nodes.length) {
        depth.set(target, wanted);
        changed = true;
      }
    }
    if (!changed) break;
  }
  return depth;
}
