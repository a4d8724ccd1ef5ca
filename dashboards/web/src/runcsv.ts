// The run table as CSV (RFC 4180): what is shown, with every value exactly as it was logged.

import type { Run } from "./api";
import { columnName, type Column } from "./columns";
import { csvField } from "./csv";
import { isNumeric } from "./format";

export function runsCSV(runs: readonly Run[], columns: readonly Column[]): string {
  const head = ["run_id", "name", "status", "user", "start", "end", ...columns.map(columnName)];
  const time = (ms: number | null) => (ms === null || ms === 0 ? "" : new Date(ms).toISOString());
  const lines = runs.map((r) => [
    r.id,
    csvField(r.name),
    r.status,
    csvField(r.user),
    time(r.start),
    time(r.end),
    ...columns.map((c) => (c.kind === "params" ? paramField(r.params.get(c.key) ?? "") : csvField(r.metrics.get(c.key)?.value))),
  ]);
  return [head.map(csvField), ...lines].map((line) => line.join(",") + "\r\n").join("");
}

/** A number keeps its sign, and is written as it was logged. */
function paramField(text: string): string {
  return isNumeric(text) ? text.trim() : csvField(text);
}
