// Names of runs by their ids, as the views have them: one request for a page of ids, and nothing of the runs' metrics.

import { askSQL, cellText } from "./sql/ask";

export interface RunName {
  readonly name: string;
  readonly experiment: string;
}

const ID = /^[0-9a-f]{32}$/;

/** More ids than a page of alerts has are not asked for together. */
const IDS_MAX = 500;

/** Null: there is nothing to ask. */
export function namesStatement(ids: readonly string[]): string | null {
  const asked = [...new Set(ids)].filter((id) => ID.test(id)).slice(0, IDS_MAX);
  return asked.length === 0 ? null : `SELECT run_id, name, experiment_name FROM sg.runs WHERE run_id IN (${asked.map((id) => `'${id}'`).join(", ")})`;
}

/** Those that are known; a run that is deleted, or that began a moment ago, is not among them. */
export async function runNames(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, RunName>> {
  const statement = namesStatement(ids);
  if (statement === null) return new Map();
  const answer = await askSQL(statement, signal);
  if (typeof answer === "string") return new Map();
  return new Map(
    answer.rows.map((row) => {
      const [id, name, experiment] = row.map(cellText) as [string, string, string];
      return [id, { name, experiment }];
    }),
  );
}
