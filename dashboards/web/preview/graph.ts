// The node graph: layers from left to right, as Grafana's layered layout.

import { init } from "echarts";

import { fieldsOf, type Field } from "./frames";
import type { Panel } from "./panel";

const LABEL_CHARS = 24;
/** Room for the last layer's labels. */
const LABEL_PX = 190;
const MARGIN_PX = 24;

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
  const deepest = Math.max(1, ...layer.values());
  const most = Math.max(1, ...filled.values());
  const [across, down] = [(into.clientWidth - LABEL_PX) / deepest, (into.clientHeight - 2 * MARGIN_PX) / most];
  init(into).setOption({
    animation: false,
    series: [
      {
        type: "graph",
        layout: "none",
        roam: false,
        left: MARGIN_PX,
        right: LABEL_PX,
        top: MARGIN_PX,
        bottom: MARGIN_PX,
        edgeSymbol: ["none", "arrow"],
        edgeSymbolSize: 7,
        lineStyle: { color: "#9aa2ad", curveness: 0.05, opacity: 0.8 },
        data: placed.map(({ node, depth, row }) => ({
          name: node.id,
          x: depth * across,
          y: (row - ((filled.get(depth) ?? 1) - 1) / 2) * down,
          symbolSize: 20,
          itemStyle: { color: "#ffffff", borderColor: node.color, borderWidth: 3 },
          label: { show: true, position: "right", distance: 4, lineHeight: 12, align: "left", formatter: `${node.title}\n${shortened(node.subtitle)}`, fontSize: 11, color: "#24292e", textBorderColor: "#ffffff", textBorderWidth: 3 },
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
