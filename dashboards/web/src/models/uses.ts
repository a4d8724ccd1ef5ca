// Who uses versions of a model: where they serve, which runs loaded them, which jobs read them, what is named after them. Pure
// but for the request at the end.

import { get } from "../api";
import { FIRST_LINEAGE, formatHash } from "../address";
import { namedIn, nodeOf, pageOf, type Lineage, type LineageNode } from "../lineage/graph";
import type { AliasChange, Registered, Version } from "../registered";

export interface Use {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  /** Where more of it is; null if it has no page. */
  readonly href: string | null;
  readonly version: number;
  /** Milliseconds since the epoch; 0: nobody said. */
  readonly since: number;
  /** Null while it lasts. */
  readonly until: number | null;
  /** One thing more: an address, a state, who did it. */
  readonly said: string;
}

/** What stands for a version in the graph: itself, the logged model that it is of, and places that jobs read it from. */
export function nodesOf(v: Version): readonly string[] {
  return [
    nodeOf("version", `${v.model}/${v.number}`),
    nodeOf("source", `models:/${v.model}/${v.number}`),
    ...(v.logged === null ? [] : [nodeOf("model", v.logged)]),
    ...(/^(?!models:|runs:)[a-z][a-z0-9+.-]*:\/\//i.test(v.source) ? [nodeOf("source", place(v.source))] : []),
  ];
}

/** A place as the graph writes it: Hadoop's names of S3 are S3's, and no slash is last. */
function place(source: string): string {
  return source.replace(/^s3[an]:/i, "s3:").replace(/\/+$/, "");
}

/** What the edges out of versions' nodes say; those to versions are the registry's own. */
export function usesIn({ nodes, edges }: Pick<Lineage, "nodes" | "edges">, versions: readonly Version[]): readonly Use[] {
  const known = new Map(nodes.map((n) => [n.node, n]));
  const owners = new Map<string, number[]>();
  for (const v of versions) for (const node of nodesOf(v)) owners.set(node, [...(owners.get(node) ?? []), v.number]);
  const uses = edges.flatMap((e): readonly Use[] => {
    const kind = kindOf(e.to);
    if (kind === "version" || kind === "dataset") return [];
    const node = known.get(e.to) ?? { node: e.to, kind, distance: 1 };
    return (owners.get(e.from) ?? []).map((version) => ({
      id: `${version} ${e.to} ${e.kind}`,
      kind: kind === "job-run" ? "job" : kind,
      name: node.name || namedIn(e.to),
      href: pageOf(e.to) ?? formatHash({ ...FIRST_LINEAGE, node: e.to }),
      version,
      since: e.since_ms ?? 0,
      until: e.until_ms ?? null,
      said: saidOf(node, e.recorded ? e.kind : ""),
    }));
  });
  return [...new Map(uses.map((u) => [u.id, u])).values()];
}

const kindOf = (node: string) => node.slice(0, node.indexOf(":"));

function saidOf({ attributes = {} }: LineageNode, otherwise: string): string {
  return attributes["url"] ?? attributes["status"] ?? attributes["state"] ?? otherwise;
}

/** The aliases of today, each since it points where it does. */
export function aliasesOf({ aliases, name }: Pick<Registered, "aliases" | "name">, changes: readonly AliasChange[]): readonly Use[] {
  return aliases.map(({ alias, version }) => {
    const change = changes.find((c) => c.alias === alias && c.to === version);
    return {
      id: `alias ${alias}`, kind: "alias", name: `@${alias}`, href: formatHash({ ...FIRST_LINEAGE, node: nodeOf("version", `${name}/${version}`) }),
      version, since: change?.time ?? 0, until: null, said: change?.by ? `by ${change.by}` : "",
    };
  });
}

const ORDER = ["endpoint", "alias", "run", "job"];

/** What lasts first, by kind, the newest first. */
export function sorted(uses: readonly Use[]): readonly Use[] {
  const rank = (u: Use) => (ORDER.indexOf(u.kind) + ORDER.length + 1) % (ORDER.length + 1);
  return [...uses].sort((a, b) => Number(a.until !== null) - Number(b.until !== null) || rank(a) - rank(b) || b.since - a.since || b.version - a.version);
}

/** As many nodes are asked for at once as the server takes, in an address that is no longer than it reads. */
const [NODES_AT_ONCE, ADDRESS_MAX] = [200, 16_000];

export function chunksOf(nodes: readonly string[]): readonly (readonly string[])[] {
  const chunks: string[][] = [];
  let room = 0;
  for (const node of nodes) {
    const size = encodeURIComponent(node).length + "&node=".length;
    const last = chunks.at(-1);
    if (last && last.length < NODES_AT_ONCE && size <= room) last.push(node);
    else [room] = [ADDRESS_MAX, chunks.push([node])];
    room -= size;
  }
  return chunks;
}

export interface Found {
  readonly uses: readonly Use[];
  /** There are more, which the lineage of each version shows. */
  readonly more: boolean;
}

export async function askUses(versions: readonly Version[], signal: AbortSignal): Promise<Found> {
  const nodes = [...new Set(versions.flatMap(nodesOf))];
  const answers = await Promise.all(chunksOf(nodes).map((some) => get<Lineage>(`v1/lineage?${new URLSearchParams([...some.map((n) => ["node", n]), ["direction", "down"], ["depth", "1"], ["ended", "true"]])}`, signal)));
  return { uses: usesIn({ nodes: answers.flatMap((a) => a.nodes), edges: answers.flatMap((a) => a.edges) }, versions), more: answers.some((a) => a.truncated || a.nodes.some((n) => n.distance === 0 && n.more)) };
}
