// Which columns the run table has, and what the server is asked to sort by. Pure.

import type { Run } from "./api";
import { isNumeric } from "./format";

/** A column that comes from the runs' own keys. */
export interface Column {
  readonly kind: "params" | "metrics";
  readonly key: string;
}

/** `column` is a fixed column's name or `params.KEY`, `metrics.KEY`. */
export interface Sort {
  readonly column: string;
  readonly descending: boolean;
}

/** The columns every table has, with the attribute of MLflow's grammar that sorts them; null: sorted here. */
export const FIXED = {
  name: "attributes.run_name",
  state: "attributes.status",
  created: "attributes.start_time",
  duration: null,
} as const;

export type FixedColumn = keyof typeof FIXED;

/** As many as stand side by side on a laptop. */
const DEFAULT_PARAMS = 3;
const DEFAULT_METRICS = 3;

export function parseColumn(text: string): Column | null {
  const dot = text.indexOf(".");
  const kind = text.slice(0, dot);
  const key = text.slice(dot + 1);
  return (kind === "params" || kind === "metrics") && key !== "" ? { kind, key } : null;
}

export const columnName = (c: Column): string => `${c.kind}.${c.key}`;

/** MLflow's order_by for a sort, newest first without one. Duration has no attribute there: the page sorts it. */
export function orderBy(sort: Sort | null): string[] {
  if (!sort) return ["attributes.start_time DESC"];
  const direction = sort.descending ? "DESC" : "ASC";
  if (isFixed(sort.column)) {
    const attribute = FIXED[sort.column];
    return attribute ? [`${attribute} ${direction}`] : ["attributes.start_time DESC"];
  }
  const column = parseColumn(sort.column);
  return column ? [`${column.kind}.${quoteKey(column.key)} ${direction}`] : ["attributes.start_time DESC"];
}

function isFixed(name: string): name is FixedColumn {
  return Object.hasOwn(FIXED, name);
}

/** A key as MLflow's grammar takes it: in backticks unless it is a plain word; one that has a backtick takes quotes. */
export function quoteKey(key: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return key;
  return key.includes("`") ? `"${key}"` : `\`${key}\``;
}

/** Next sort when a header is clicked: the first click on a number brings the greatest up, a third takes the sort away. */
export function nextSort(current: Sort | null, column: string): Sort | null {
  const first = column === "name" || column === "state" ? false : !column.startsWith("params.");
  if (current?.column !== column) return { column, descending: first };
  return current.descending === first ? { column, descending: !first } : null;
}

/** Whether all values of a column are numbers, so that they stand right-aligned under their name. */
export function isNumberColumn(runs: readonly Run[], column: Column): boolean {
  return column.kind === "metrics" || runs.every((r) => isNumeric(r.params.get(column.key) ?? "0"));
}

/** Runs by duration; a run without an end lasts until now. */
export function byDuration(runs: readonly Run[], descending: boolean, now: number): Run[] {
  const length = (r: Run) => (r.end ?? now) - r.start;
  return [...runs].sort((a, b) => (descending ? length(b) - length(a) : length(a) - length(b)));
}

/** The columns with the one that is sorted by: an order must be seen. */
export function withSorted(columns: readonly Column[], sort: Sort | null): readonly Column[] {
  const sorted = sort ? parseColumn(sort.column) : null;
  return sorted && !columns.some((c) => columnName(c) === columnName(sorted)) ? [...columns, sorted] : columns;
}

/** All keys of the runs with how many runs have them, by key. */
export function available(runs: readonly Run[], kind: Column["kind"]): Map<string, number> {
  const seen = new Map<string, number>();
  for (const run of runs) for (const key of run[kind].keys()) seen.set(key, (seen.get(key) ?? 0) + 1);
  return new Map([...seen].sort(([a], [b]) => a.localeCompare(b)));
}

/** What a table shows before anyone chose: the metrics most likely meant, and the params that differ. A narrow window cuts the last ones. */
export function defaultColumns(runs: readonly Run[]): Column[] {
  const params = ranked(available(runs, "params"), (key) => (differs(runs, key) ? 1 : 0));
  const metrics = rankedMetrics(runs);
  return [
    ...metrics.slice(0, DEFAULT_METRICS).map((key) => ({ kind: "metrics" as const, key })),
    ...params.slice(0, DEFAULT_PARAMS).map((key) => ({ kind: "params" as const, key })),
  ];
}

/** The metrics of the runs, those first that a reader most likely wants to see. */
export function rankedMetrics(runs: readonly Run[]): string[] {
  return ranked(available(runs, "metrics"), (key) => (GOALS.test(key) ? 1 : 0) - depth(key));
}

function ranked(keys: Map<string, number>, score: (key: string) => number): string[] {
  const scored = [...keys].map(([key, runs]) => ({ key, runs, score: score(key) }));
  scored.sort((a, b) => b.score - a.score || b.runs - a.runs || a.key.localeCompare(b.key));
  return scored.map((s) => s.key);
}

function differs(runs: readonly Run[], key: string): boolean {
  const values = new Set<string | undefined>();
  for (const run of runs) if (values.add(run.params.get(key)).size > 1) return true;
  return false;
}

/** Names of what trainings are about. */
const GOALS = /(^|[/_. -])(loss|acc|accuracy|error|score|f1|auc|perplexity|reward)($|[/_. -])/i;

/** Machine metrics and single ranks come after what the training itself is about. */
function depth(key: string): number {
  const machine = /^(system|rank_\d+)\//.test(key) ? 10 : 0;
  return machine + key.split("/").length;
}
