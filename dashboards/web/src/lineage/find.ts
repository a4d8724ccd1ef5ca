// Nodes by name: one statement over the views, which show what the reader may see and are quick with a hundred thousand runs.

import { askSQL, cellText, type Result } from "../sql/ask";
import { nodeOf } from "./graph";

export interface FoundNode {
  /** KIND:NAME, as the graph is asked for it. */
  readonly node: string;
  readonly kind: string;
  readonly name: string;
  /** What tells it from others of its name. */
  readonly where: string;
}

/** Of each kind. */
const EACH = 6;

/** A text of ClickHouse. */
const text = (value: string) => `'${value.replace(/[\\']/g, "\\$&")}'`;

/** Where a name is like a text, without regard to upper and lower case. */
function like(column: string, wanted: string): string {
  return `positionCaseInsensitiveUTF8(${column}, ${text(wanted)}) > 0`;
}

/** The statement that finds nodes by a part of their name, or a run by the beginning of its id; without a text the newest of each kind. */
export function findStatement(wanted: string): string {
  const where = (column: string, or = "") => (wanted === "" ? "" : ` WHERE ${like(column, wanted)}${or}`);
  const id = /^[0-9a-f]{6,32}$/.test(wanted) ? ` OR startsWith(run_id, ${text(wanted)})` : "";
  const part = (kind: string, name: string, extra: string, detail: string, from: string, when: string) =>
    `SELECT * FROM (SELECT '${kind}' AS kind, ${name} AS what, toString(${extra}) AS extra, toString(${detail}) AS detail FROM ${from} ORDER BY ${when} DESC LIMIT ${EACH})`;
  return [
    part("version", "name", "version", "stage", `sg.model_versions${where("name")}`, "created"),
    part("run", "name", "run_id", "experiment_name", `sg.runs${where("name", id)}`, "started"),
    part("model", "name", "model_id", "''", `sg.models${where("name")}`, "created"),
    part("dataset", "name", "digest", "runs", `(SELECT name, digest, count() AS runs FROM sg.datasets${where("name")} GROUP BY name, digest)`, "runs"),
  ].join(" UNION ALL ");
}

/** What is written in a digest so that it ends no name (schemas/lineage). */
const digestOf = (digest: string) => digest.replaceAll("@", "%40");

export function nodesIn({ rows }: Pick<Result, "rows">): readonly FoundNode[] {
  return rows.flatMap((row): FoundNode[] => {
    const [kind, name, extra, detail] = row.map(cellText) as [string, string, string, string];
    switch (kind) {
      case "version":
        return [{ kind, node: nodeOf(kind, `${name}/${extra}`), name: `${name} v${extra}`, where: detail === "None" ? "" : detail }];
      case "run":
        return [{ kind, node: nodeOf(kind, extra), name: name || extra.slice(0, 8), where: detail }];
      case "model":
        return [{ kind, node: nodeOf(kind, extra), name: name || extra, where: extra }];
      case "dataset":
        return [{ kind, node: `${nodeOf(kind, name)}@${digestOf(extra.replaceAll("%", "%25"))}`, name, where: `${extra.slice(0, 16)}${detail === "1" ? "" : `, ${detail} runs`}` }];
      default:
        return [];
    }
  });
}

/** Nodes of a name, the newest first in each kind; of no name: the newest ones. */
export async function findNodes(wanted: string, signal: AbortSignal): Promise<readonly FoundNode[]> {
  const answer = await askSQL(findStatement(wanted.trim()), signal);
  const found = typeof answer === "string" ? [] : nodesIn(answer);
  // UNION ALL answers in no order.
  return ["version", "run", "model", "dataset"].flatMap((kind) => found.filter((f) => f.kind === kind));
}
