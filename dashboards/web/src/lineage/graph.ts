// What came of what, as GET v1/lineage answers it, and where its nodes stand in the picture: from left to right in layers.

import { get } from "../api";

export interface LineageNode {
  /** KIND:NAME, as it is asked for. */
  readonly node: string;
  readonly kind: string;
  readonly name?: string;
  readonly distance: number;
  readonly since_ms?: number;
  readonly until_ms?: number;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Some of its edges were left out. */
  readonly more?: boolean;
}

export interface LineageEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: string;
  readonly name?: string;
  readonly since_ms?: number;
  readonly until_ms?: number;
  /** Somebody said so; else a document tells of it. */
  readonly recorded?: boolean;
}

export interface Lineage {
  readonly root: string;
  readonly truncated?: boolean;
  readonly nodes: readonly LineageNode[];
  readonly edges: readonly LineageEdge[];
}

export const DIRECTIONS = ["both", "up", "down"] as const;
export type Direction = (typeof DIRECTIONS)[number];

export interface LineageAsk {
  readonly node: string;
  readonly direction: Direction;
  readonly depth: number;
  /** A day or a time; empty: now. */
  readonly asOf: string;
  /** Also what is over. */
  readonly ended: boolean;
}

/** Nodes of a picture that can still be read, in each direction. */
const NODES_MAX = 200;

export function askLineage({ node, direction, depth, asOf, ended }: LineageAsk, signal?: AbortSignal): Promise<Lineage> {
  const fields = { node, direction, depth: String(depth), nodes_max: String(NODES_MAX), ...(asOf === "" ? {} : { as_of: asOf }), ...(ended ? { ended: "true" } : {}) };
  return get<Lineage>(`v1/lineage?${new URLSearchParams(fields)}`, signal);
}

/** Where a node stands: its layer from the left and its row from the top, both from 0. */
export interface Place {
  readonly node: LineageNode;
  readonly layer: number;
  readonly row: number;
}

export interface Layout {
  readonly places: readonly Place[];
  readonly layers: number;
  readonly rows: number;
  /** The row at which edges that lead over a layer to a node pass through it. */
  through(to: string, layer: number): number | undefined;
}

/**
 * Puts nodes into layers so that edges lead from left to right, and within a layer near what they are tied to. An edge that
 * closes a circle leads back; one over several layers has a place in each of them, which it shares with others to its end.
 * Layered drawing after Sugiyama, Tagawa and Toda (1981): longest paths, then barycentres.
 */
export function layOut({ root, nodes, edges }: Lineage): Layout {
  const layerOf = layersOf(nodes, edges);
  const least = Math.min(...layerOf.values(), 0);
  const at = (node: string) => (layerOf.get(node) ?? 0) - least;
  const layers: string[][] = [];
  for (const { node } of nodes) (layers[at(node)] ??= []).push(node);
  const links: Link[] = [];
  const passed = new Set<string>();
  for (const { from, to } of edges) {
    if (!layerOf.has(from) || !layerOf.has(to)) continue;
    let before = from;
    for (let layer = at(from) + 1; layer < at(to); layer++) {
      const pass = passing(to, layer);
      if (!passed.has(pass)) (layers[layer] ??= []).push(pass);
      passed.add(pass);
      links.push([before, pass]);
      before = pass;
    }
    links.push([before, to]);
  }
  const ordered = untangle(Array.from(layers, (l) => l ?? []), links);
  const rows = Math.max(...ordered.map((l) => l.length), 1);
  // Each layer stands in the middle; the root's neighbours stand beside it.
  const rowOf = new Map(ordered.flatMap((ids) => ids.map((id, i) => [id, (rows - ids.length) / 2 + i] as const)));
  const places = nodes.map((node) => ({ node, layer: at(node.node), row: rowOf.get(node.node) ?? 0 }));
  return {
    places: places.sort((a, b) => Number(b.node.node === root) - Number(a.node.node === root)),
    layers: ordered.length,
    rows,
    through: (to, layer) => rowOf.get(passing(to, layer)),
  };
}

type Link = readonly [from: string, to: string];

/** No node is called so: those have a kind first. */
const passing = (to: string, layer: number) => `\n${layer} ${to}`;

/** The longest way to each node; every pass moves ends of edges to the right, at most as often as there are nodes. */
function layersOf(nodes: readonly LineageNode[], edges: readonly LineageEdge[]): Map<string, number> {
  const layer = new Map(nodes.map((n) => [n.node, 0]));
  const forward = withoutCircles(nodes, edges);
  for (let pass = 0, moved = true; moved && pass <= nodes.length; pass++) {
    moved = false;
    for (const { from, to } of forward) {
      const wanted = (layer.get(from) ?? 0) + 1;
      if (wanted <= (layer.get(to) ?? 0)) continue;
      layer.set(to, wanted);
      moved = true;
    }
  }
  // What nothing comes before stands right before what it is needed for, not far on the left.
  const inner = new Set(forward.map((e) => e.to));
  for (const { node } of nodes) {
    const after = forward.filter((e) => e.from === node).map((e) => layer.get(e.to) ?? 0);
    if (!inner.has(node) && after.length > 0) layer.set(node, Math.min(...after) - 1);
  }
  return layer;
}

/** The edges but those that lead back to where a walk came from. */
function withoutCircles(nodes: readonly LineageNode[], edges: readonly LineageEdge[]): readonly LineageEdge[] {
  const known = new Set(nodes.map((n) => n.node));
  const out = new Map<string, LineageEdge[]>();
  for (const e of edges) if (known.has(e.from) && known.has(e.to) && e.from !== e.to) out.set(e.from, [...(out.get(e.from) ?? []), e]);
  const state = new Map<string, "open" | "done">();
  const kept: LineageEdge[] = [];
  for (const { node } of nodes) {
    // A stack of our own: a chain of a thousand runs is no reason for a thousand calls.
    const stack: { at: string; next: number }[] = state.has(node) ? [] : [{ at: node, next: 0 }];
    if (stack.length > 0) state.set(node, "open");
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const edge = out.get(top.at)?.[top.next++];
      if (edge === undefined) {
        state.set(top.at, "done");
        stack.pop();
        continue;
      }
      if (state.get(edge.to) === "open") continue;
      kept.push(edge);
      if (!state.has(edge.to)) {
        state.set(edge.to, "open");
        stack.push({ at: edge.to, next: 0 });
      }
    }
  }
  return kept;
}

const SWEEPS = 4;

/** Orders each layer by the mean row of what it is tied to in the layer before, and then the one after. */
function untangle(layers: readonly string[][], links: readonly Link[]): readonly string[][] {
  const tied = new Map<string, string[]>();
  const tie = (a: string, b: string) => tied.get(a)?.push(b) ?? tied.set(a, [b]);
  for (const [from, to] of links) [tie(from, to), tie(to, from)];
  const ordered = layers.map((l) => [...l]);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const back = sweep % 2 === 1;
    for (let i = 1; i < ordered.length; i++) {
      const at = back ? ordered.length - 1 - i : i;
      const row = new Map((ordered[back ? at + 1 : at - 1] ?? []).map((id, k) => [id, k]));
      const mean = (id: string, k: number) => {
        const rows = (tied.get(id) ?? []).flatMap((other) => row.get(other) ?? []);
        return rows.length === 0 ? k : rows.reduce((sum, r) => sum + r, 0) / rows.length;
      };
      const wanted = new Map((ordered[at] ?? []).map((id, k) => [id, mean(id, k)]));
      ordered[at]?.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
    }
  }
  return ordered;
}

/** An SVG path over stops: a curve to every odd one, a straight line over a card's width to every even one. */
export function lineOver(stops: readonly (readonly [x: number, y: number])[]): string {
  return stops.reduce((path, [x, y], i) => {
    const [x0, y0] = stops[i - 1] ?? [x, y];
    const bend = Math.max(Math.abs(x - x0) / 2, 24);
    return path + (i === 0 ? `M${x} ${y}` : i % 2 === 0 ? `L${x} ${y}` : `C${x0 + bend} ${y0} ${x - bend} ${y} ${x} ${y}`);
  }, "");
}

/** What a card says under the name: the one thing that matters of a node. */
export function factOf({ node, kind, attributes = {}, until_ms: until }: LineageNode): string {
  // A long name hides the number at its end.
  const number = kind === "version" ? [`v${node.slice(node.lastIndexOf("/") + 1)}`] : [];
  const said = ["status", "stage", "digest", "context", "url", "state"].flatMap((key) => attributes[key] ?? []).slice(0, 1);
  return [...number, ...said, ...(until ? ["over"] : [])].join(", ");
}

/** How a thing is asked for: a percent sign in its name is written so that it begins nothing. */
export function nodeOf(kind: string, name: string): string {
  return `${kind}:${name.replaceAll("%", "%25")}`;
}

/** The name of a node without its kind, as people know it. */
export function namedIn(node: string): string {
  return node.slice(node.indexOf(":") + 1).replace(/(%[0-9a-f]{2})+/gi, (codes) => {
    try {
      return decodeURIComponent(codes);
    } catch {
      return codes;
    }
  });
}

/** The page of a node of ours, as a hash; null if it has none. */
export function pageOf(node: string): string | null {
  const [kind, name] = [node.slice(0, node.indexOf(":")), namedIn(node)];
  if (kind === "run") return `#/runs/${encodeURIComponent(name)}`;
  const version = /^(.*)\/([1-9]\d*)$/s.exec(name);
  if (kind === "version" && version?.[1]) return `#/models/${encodeURIComponent(version[1])}?version=${version[2]}`;
  return null;
}
