// Series of runs, from the server's answer to the columns that the chart draws. Pure.

/** A value at a step; null where there is nothing finite to draw. */
type Values = readonly (number | null)[];

/** The same as the server sends it: NaN and infinities are texts. */
type WireValues = readonly (number | string)[];

/** One metric of one run as columns: a row is a bucket of neighbouring steps, or one point. */
export interface Series {
  readonly step: readonly number[];
  readonly mean: Values;
  readonly min: Values;
  readonly max: Values;
  /** Per row, how many points were NaN or infinite. */
  readonly odd: readonly number[];
  /** Points behind the rows. */
  readonly points: number;
}

/** The answer of GET /v1/runs/{id}/series: a line for each rank and attempt that logged the key. */
export interface WireSeries {
  readonly series: readonly WireLine[];
}

export interface WireLine {
  readonly rank: number;
  /** Which launch of the run logged it. */
  readonly attempt: number;
  readonly points_total: number;
  readonly step: readonly number[];
  readonly min: WireValues;
  readonly max: WireValues;
  readonly mean: WireValues;
  readonly count: readonly number[];
  readonly non_finite: readonly number[];
}

/**
 * The line that stands for the run: of the lowest rank, as MLflow shows it. Where a later launch began again from a
 * checkpoint, its steps replace those of the earlier one from there on. Rows of the same step become one.
 */
export function decodeSeries(answer: WireSeries): Series {
  const rank = Math.min(...answer.series.map((l) => l.rank));
  const attempts = answer.series.filter((l) => l.rank === rank).sort((a, b) => b.attempt - a.attempt);
  const rows = new Map<number, Row>();
  let cut = Infinity;
  for (const line of attempts) {
    const first = line.step[0] ?? Infinity;
    line.step.forEach((step, i) => {
      if (step >= cut) return;
      rows.set(step, joinRows(rows.get(step), rowOf(line, i)));
    });
    cut = Math.min(cut, first);
  }
  const step = [...rows.keys()].sort((a, b) => a - b);
  const column = <T>(of: (row: Row) => T) => step.map((s) => of(rows.get(s) as Row));
  return {
    step,
    mean: column((r) => r.mean),
    min: column((r) => r.min),
    max: column((r) => r.max),
    odd: column((r) => r.odd),
    points: attempts.reduce((sum, l) => sum + l.points_total, 0),
  };
}

interface Row {
  readonly mean: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly odd: number;
  /** How many finite points the mean is of. */
  readonly finite: number;
}

function rowOf(line: WireLine, i: number): Row {
  const odd = line.non_finite[i] ?? 0;
  const finite = (values: WireValues) => (typeof values[i] === "number" ? values[i] : null);
  return { mean: finite(line.mean), min: finite(line.min), max: finite(line.max), odd, finite: (line.count[i] ?? 0) - odd };
}

function joinRows(a: Row | undefined, b: Row): Row {
  if (!a) return b;
  const odd = a.odd + b.odd;
  if (a.mean === null || a.min === null || a.max === null) return { ...b, odd };
  if (b.mean === null || b.min === null || b.max === null) return { ...a, odd };
  const finite = a.finite + b.finite;
  const mean = (a.mean * a.finite + b.mean * b.finite) / finite;
  return { mean, min: Math.min(a.min, b.min), max: Math.max(a.max, b.max), odd, finite };
}

/** Columns for uPlot: undefined means "no row at this x" (the line goes on), null means a gap in the line. */
export type Columns = [number[], ...(number | null | undefined)[][]];

/** How many columns a run takes in Columns: mean, min, max. */
export const COLUMNS_PER_LINE = 3;

/** Lays series over one common x. With a logarithmic y axis what is not positive is a gap. */
export function align(series: readonly Series[], logY: boolean): Columns {
  const steps = new Set<number>();
  for (const s of series) for (const step of s.step) steps.add(step);
  const x = [...steps].sort((a, b) => a - b);
  const index = new Map(x.map((step, i) => [step, i]));
  const spread = (s: Series, values: Values) => {
    const column = new Array<number | null | undefined>(x.length).fill(undefined);
    s.step.forEach((step, i) => {
      const v = values[i] ?? null;
      column[index.get(step) as number] = v !== null && logY && v <= 0 ? null : v;
    });
    return column;
  };
  return [x, ...series.flatMap((s) => [spread(s, s.mean), spread(s, s.min), spread(s, s.max)])];
}

/** Index of the row nearest to x that has a value, or -1. */
export function nearest(x: readonly number[], column: ArrayLike<number | null | undefined>, at: number): number {
  let best = -1;
  for (const direction of [-1, 1]) {
    for (let i = lowerBound(x, at) - (direction < 0 ? 1 : 0); i >= 0 && i < x.length; i += direction) {
      if (column[i] == null) continue;
      if (best < 0 || Math.abs((x[i] as number) - at) < Math.abs((x[best] as number) - at)) best = i;
      break;
    }
  }
  return best;
}

/** The first index whose x is not below `at`. */
function lowerBound(x: readonly number[], at: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((x[middle] as number) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The last row with a value, or -1: where a line's label stands. */
export function lastOf(column: ArrayLike<number | null | undefined>): number {
  for (let i = column.length - 1; i >= 0; i--) if (column[i] != null) return i;
  return -1;
}

/** The y axis from what is drawn: a little air around it, and room around a flat line. */
export function yRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  const air = min === max ? Math.max(Math.abs(min) * 0.1, 1e-12) : (max - min) * 0.06;
  return [min - air, max + air];
}

/** Moves labels apart that would stand on each other: given wished tops, answers tops at least `height` apart within `limit`. */
export function spreadLabels(tops: readonly number[], height: number, limit: number): number[] {
  const order = tops.map((_, i) => i).sort((a, b) => (tops[a] as number) - (tops[b] as number));
  const placed = new Array<number>(tops.length);
  let free = 0;
  for (const i of order) {
    placed[i] = Math.max(tops[i] as number, free);
    free = (placed[i] as number) + height;
  }
  let end = limit;
  for (const i of order.reverse()) {
    placed[i] = Math.min(placed[i] as number, end - height);
    end = placed[i] as number;
  }
  return placed;
}
