// The run table as CSV (RFC 4180): what is shown, with every value exactly as it was logged.

import { NOTE, type Run } from "./api";
import { csvField } from "./csv";
import { isNumeric } from "./format";
import { columnID, type TableColumn } from "./runs/layout";
import type { Course } from "./runs/sparks";

/** `course` knows the least and greatest values; `experimentName` the names of experiments. */
export function runsCSV(
  runs: readonly Run[],
  columns: readonly TableColumn[],
  course: (run: string, key: string) => Course | null = () => null,
  experimentName: (id: string) => string = (id) => id,
): string {
  // The first ones are always there, whatever is shown of them.
  const more = columns.filter((c) => c.kind !== "attributes" || c.key === "tags" || c.key === "note" || c.key === "experiment");
  const head = ["run_id", "name", "status", "user", "start", "end", ...more.map(columnID)];
  const lines = runs.map((r) => [r.id, csvField(r.name), r.status, csvField(r.user), time(r.start), time(r.end), ...more.map((c) => field(r, c, course, experimentName))]);
  return [head.map(csvField), ...lines].map((line) => line.join(",") + "\r\n").join("");
}

const time = (ms: number | null) => (ms === null || ms === 0 ? "" : new Date(ms).toISOString());

function field(r: Run, c: TableColumn, course: (run: string, key: string) => Course | null, experimentName: (id: string) => string): string {
  if (c.kind === "params") return paramField(r.params.get(c.key) ?? "");
  if (c.kind === "tags") return csvField(r.tags.get(c.key) ?? "");
  if (c.kind === "metrics") return csvField(c.show === "last" ? r.metrics.get(c.key)?.value : (course(r.id, c.key)?.[c.show] ?? undefined));
  if (c.key === "note") return csvField(r.tags.get(NOTE) ?? "");
  if (c.key === "experiment") return csvField(experimentName(r.experiment));
  return csvField([...r.tags].filter(([key]) => !key.startsWith("mlflow.")).map(([key, value]) => `${key}=${value}`).join("; "));
}

/** A number keeps its sign, and is written as it was logged. */
function paramField(text: string): string {
  return isNumeric(text) ? text.trim() : csvField(text);
}
