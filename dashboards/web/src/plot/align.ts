// Curves over one common x, as uPlot takes them, and what is asked of such columns. Pure.

import type { Curve, Values } from "./curves";

/** undefined means "no row at this x" (the line goes on), null means a gap in the line. */
export type Column = readonly (number | null | undefined)[];
export type Columns = readonly [readonly number[], ...Column[]];

/** How many columns a curve takes: its values, least, greatest, the values before smoothing, and what is inherited of its values. */
export const COLUMNS_PER_CURVE = 5;

/** Values that are one list stay one list: where least and greatest are, there is no band. */
export function align(curves: readonly Curve[]): Columns {
  const x = commonX(curves.map((c) => c.x));
  const columns: Column[] = [];
  for (const curve of curves) {
    const own = curve.x.length === x.length ? null : placesOf(curve.x, x);
    const laid = new Map<Values, Column>();
    const lay = (values: Values): Column => {
      const column = laid.get(values) ?? (own ? spread(own, values, x.length) : values);
      laid.set(values, column);
      return column;
    };
    columns.push(lay(curve.y), lay(curve.low), lay(curve.high));
    columns.push(curve.raw ? lay(curve.raw) : []);
    columns.push(curve.fork ? spread((own ?? placesOf(curve.x, x)).slice(0, ownFrom(curve) + 1), curve.y, x.length) : []);
  }
  return [x, ...columns];
}

/** All xs, ascending, each once. Runs that log alike have the same ones, and so have buckets of one grid. */
function commonX(lists: readonly (readonly number[])[]): readonly number[] {
  const longest = lists.reduce<readonly number[]>((a, b) => (b.length > a.length ? b : a), []);
  const others = lists.filter((xs) => xs !== longest && !isWithin(xs, longest));
  if (others.length === 0) return longest;
  const all = Float64Array.from([longest, ...others].flat()).sort();
  return [...all.filter((x, i) => i === 0 || x !== all[i - 1])];
}

/** Whether all of some xs are among others; both ascend. */
function isWithin(xs: readonly number[], others: readonly number[]): boolean {
  let at = 0;
  for (const x of xs) {
    while (at < others.length && (others[at] as number) < x) at++;
    if (others[at] !== x) return false;
  }
  return true;
}

/** The first row that a curve's run has logged by itself. */
export function ownFrom({ x, fork }: Pick<Curve, "x" | "fork">): number {
  return fork === null ? 0 : upperBound(x, fork.x);
}

/** Where the xs of one curve stand in the common x; both ascend. */
function placesOf(xs: readonly number[], x: readonly number[]): number[] {
  let at = 0;
  return xs.map((value) => {
    while ((x[at] as number) < value) at++;
    return at;
  });
}

function spread(places: readonly number[], values: Values, length: number): Column {
  const column = new Array<number | null | undefined>(length).fill(undefined);
  places.forEach((place, i) => (column[place] = values[i] ?? null));
  return column;
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

/** The first index whose x is above `at`. */
export function upperBound(x: ArrayLike<number>, at: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((x[middle] as number) <= at) low = middle + 1;
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
