// Runs side by side. Pure.

import type { Run } from "../api";
import { isNumeric } from "../format";

export interface Cell {
  /** Null: the run does not have it. */
  readonly text: string | null;
  /** Where it is a number. */
  readonly value: number | null;
  /** Part of the baseline's value by which this one differs: 0.1 is 10 % more; null where that says nothing. */
  readonly change: number | null;
}

export interface DiffRow {
  readonly kind: "metrics" | "params" | "tags" | "run";
  readonly key: string;
  readonly cells: readonly Cell[];
  readonly differs: boolean;
}

/** Rows of all that the runs have, a cell for each run; `baseline` is the index of the run that others are compared with. */
export function diffRows(runs: readonly Run[], baseline: number | null): DiffRow[] {
  return [
    ...rows(runs, "metrics", (r) => new Map([...r.metrics].map(([key, m]) => [key, String(m.value)])), baseline),
    ...rows(runs, "params", (r) => r.params, baseline),
    ...rows(runs, "tags", (r) => new Map([...r.tags].filter(([key]) => !key.startsWith("mlflow."))), baseline),
    ...rows(runs, "run", facts, baseline),
  ];
}

function facts(run: Run): ReadonlyMap<string, string> {
  const commit = run.tags.get("mlflow.source.git.commit");
  const source = run.tags.get("mlflow.source.name");
  return new Map([
    ["state", run.status.toLowerCase()],
    ["user", run.user],
    ...(commit ? [["git commit", commit] as const] : []),
    ...(source ? [["source", source] as const] : []),
    ...run.datasets.map((d): [string, string] => [`dataset ${d.context || d.name}`, d.context ? `${d.name} ${d.digest}` : d.digest]),
  ]);
}

function rows(runs: readonly Run[], kind: DiffRow["kind"], of: (run: Run) => ReadonlyMap<string, string>, baseline: number | null): DiffRow[] {
  const columns = runs.map(of);
  const keys = [...new Set(columns.flatMap((c) => [...c.keys()]))].sort((a, b) => a.localeCompare(b));
  return keys.map((key) => {
    const texts = columns.map((c) => c.get(key) ?? null);
    const base = baseline === null ? null : numberOf(texts[baseline] ?? null);
    const cells = texts.map((text, i) => {
      const value = numberOf(text);
      return { text, value, change: i === baseline ? null : changeOf(base, value) };
    });
    return { kind, key, cells, differs: new Set(texts).size > 1 };
  });
}

function numberOf(text: string | null): number | null {
  return text !== null && isNumeric(text) ? Number(text) : null;
}

function changeOf(base: number | null, value: number | null): number | null {
  if (base === null || value === null || base === 0) return null;
  return (value - base) / Math.abs(base);
}

/** `+12.5 %`; nothing for no change. */
export function changeText(change: number | null): string {
  if (change === null || change === 0) return "";
  const percent = Math.abs(change * 100);
  const digits = percent >= 100 ? 0 : percent >= 1 ? 1 : 2;
  return `${change > 0 ? "+" : "−"}${percent.toFixed(digits)} %`;
}
