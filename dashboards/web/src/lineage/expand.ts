// A picture that grows: to what was walked from the root, single nodes add what is right before or after them.

import { ApiError } from "../api";
import { askLineage, type Lineage, type LineageAsk, type LineageNode } from "./graph";

export const WAYS = ["up", "down"] as const;
export type Way = (typeof WAYS)[number];

/** One step further from a node. */
export interface Expansion {
  readonly node: string;
  readonly way: Way;
}

/** Expansions of one picture; each is a request. */
export const EXPANSIONS_MAX = 20;

/** UP_OR_DOWN:NODE, as it stands in an address. */
export function parseExpansion(text: string): Expansion | null {
  const way = WAYS.find((w) => text.startsWith(`${w}:`));
  return way && text.length > way.length + 1 ? { way, node: text.slice(way.length + 1) } : null;
}

export const formatExpansion = ({ node, way }: Expansion): string => `${way}:${node}`;

/** The walk from the root, and what expansions add. One whose node is not there at that time adds nothing. */
export async function askExpanded(ask: LineageAsk, expanded: readonly Expansion[], signal: AbortSignal): Promise<Lineage> {
  const [walked, ...further] = await Promise.all([
    askLineage(ask, signal),
    ...expanded.slice(0, EXPANSIONS_MAX).map(({ node, way }) =>
      askLineage({ ...ask, node, direction: way, depth: 1 }, signal).catch((cause: unknown) => {
        if (cause instanceof ApiError && cause.status === 404) return null;
        throw cause;
      }),
    ),
  ]);
  return further.reduce<Lineage>((all, one) => (one ? join(all, one) : all), walked);
}

/** Two answers as one picture of the first one's root. Nodes and edges that both have stand once. */
export function join(first: Lineage, more: Lineage): Lineage {
  const nodes = new Map(first.nodes.map((n) => [n.node, n]));
  const away = nodes.get(more.root)?.distance ?? 0;
  for (const n of more.nodes) {
    const known = nodes.get(n.node);
    // What was left out before is there now, or is said again.
    nodes.set(n.node, known ? { ...known, more: n.node === more.root ? Boolean(n.more) : Boolean(known.more || n.more) } : { ...n, distance: away + n.distance });
  }
  const id = (e: Lineage["edges"][number]) => JSON.stringify([e.from, e.to, e.kind, e.name ?? "", e.since_ms ?? 0]);
  const edges = new Map([...first.edges, ...more.edges].map((e) => [id(e), e]));
  return { ...first, truncated: Boolean(first.truncated || more.truncated), nodes: [...nodes.values()], edges: [...edges.values()] };
}

/** Whether the walk from the root has not seen all that is right before or after a node. */
export function mayHaveMore({ distance, more }: LineageNode, way: Way, { direction, depth }: Pick<LineageAsk, "direction" | "depth">): boolean {
  const outwards = way === "up" ? -distance : distance;
  const walked = (direction === "both" || direction === way) && outwards >= 0 && outwards < depth;
  return !walked || Boolean(more);
}
