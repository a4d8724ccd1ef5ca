// One metric over all ranks of a run. Pure.

import type { Curve } from "./plot/curves";
import { curveOf, PLAIN_LOOKS } from "./plot/curves";
import type { Series } from "./series";

/** What GET /v1/runs/{id}/ranks says of a rank. */
export interface RankState {
  readonly rank: number;
  readonly last_step: number;
  readonly last_time: number;
  readonly behind_median: number;
  readonly behind_ms: number;
  readonly since: number | null;
  readonly mean: number | string;
  readonly last: number | string;
}

/** The slowest first; of equal ones the lower rank. */
export function stragglers(ranks: readonly RankState[]): RankState[] {
  return [...ranks].sort((a, b) => b.behind_median - a.behind_median || b.behind_ms - a.behind_ms || a.rank - b.rank);
}

/** Cells of a heat map: rank by place on the step axis, with the mean there. */
export interface Heat {
  readonly ranks: readonly number[];
  /** Where each column begins. */
  readonly steps: readonly number[];
  /** Column, row, value. */
  readonly cells: readonly (readonly [number, number, number])[];
  readonly least: number;
  readonly greatest: number;
}

/** Lays the ranks' rows on one grid of at most `columns`. `lines` has the rank of each series. */
export function heatOf(lines: readonly { readonly rank: number; readonly series: Series }[], columns: number): Heat {
  const sorted = [...lines].sort((a, b) => a.rank - b.rank);
  const first = Math.min(...sorted.map((l) => l.series.step[0] ?? Infinity));
  const last = Math.max(...sorted.map((l) => l.series.stepLast[l.series.stepLast.length - 1] ?? -Infinity));
  if (!(last >= first)) return { ranks: [], steps: [], cells: [], least: 0, greatest: 0 };
  const width = Math.max(1, Math.ceil((last - first + 1) / columns));
  const steps = Array.from({ length: Math.ceil((last - first + 1) / width) }, (_, i) => first + i * width);
  const cells: [number, number, number][] = [];
  sorted.forEach(({ series }, row) => {
    const sums = new Map<number, [sum: number, count: number]>();
    series.step.forEach((step, i) => {
      const mean = series.mean[i] as number;
      if (!Number.isFinite(mean)) return;
      const column = Math.floor((step - first) / width);
      const [sum, count] = sums.get(column) ?? [0, 0];
      sums.set(column, [sum + mean, count + 1]);
    });
    for (const [column, [sum, count]] of sums) cells.push([column, row, sum / count]);
  });
  const values = cells.map((c) => c[2]);
  return {
    ranks: sorted.map((l) => l.rank),
    steps,
    cells,
    least: values.reduce((a, v) => Math.min(a, v), Infinity),
    greatest: values.reduce((a, v) => Math.max(a, v), -Infinity),
  };
}

/** The band over all ranks, and one rank's own line over it. */
export function rankCurves(merged: Series | null, own: Series | null, rank: number | null, logY: boolean): Curve[] {
  const looks = { ...PLAIN_LOOKS, logY };
  const curves: Curve[] = [];
  if (merged) curves.push(curveOf(merged, { id: "all", name: "all ranks: min, mean, max", stroke: { colour: 9, dash: [] } }, looks));
  if (own) curves.push(curveOf(own, { id: `rank ${rank}`, name: `rank ${rank}`, stroke: { colour: 3, dash: [] } }, { ...looks, shade: false }));
  return curves;
}
