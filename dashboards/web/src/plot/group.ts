// Many runs as one line: mean over the runs, with a band. Pure.

import type { Curve, Identity, Values } from "./curves";
import { smooth } from "./smooth";

export interface GroupLooks {
  /** Rows whose x lies in one bin are one; 0: rows of the same x. In units of the curves' x. */
  readonly binWidth: number;
  /** From the least to the greatest run, or a standard deviation on both sides. */
  readonly band: "minmax" | "std";
  readonly logY: boolean;
  readonly smoothing: number;
  readonly shade: boolean;
}

/** Bins where the x of runs never meet, as on an axis of time. */
const BINS = 200;

/** A width of bins for curves whose rows are not laid on a common grid. */
export function binWidthOf(curves: readonly Curve[]): number {
  let least = Infinity;
  let greatest = -Infinity;
  for (const { x } of curves) {
    least = Math.min(least, x[0] ?? Infinity);
    greatest = Math.max(greatest, x[x.length - 1] ?? -Infinity);
  }
  return greatest > least ? (greatest - least) / BINS : 0;
}

/**
 * The mean of the curves at each x where at least one has a value; a curve counts once in a bin, however many rows it has
 * there, and is left out where it has none. Curves must not be smoothed: the mean is.
 */
export function groupCurve(curves: readonly Curve[], identity: Identity, looks: GroupLooks): Curve {
  const bins = new Map<number, number[]>();
  for (const curve of curves) {
    for (const [bin, value] of binned(curve, looks.binWidth)) {
      const values = bins.get(bin);
      if (values) values.push(value);
      else bins.set(bin, [value]);
    }
  }
  const x = [...bins.keys()].sort((a, b) => a - b);
  const rows = x.map((at) => spreadOf(bins.get(at) as number[], looks.band));
  const can = (v: number) => (looks.logY && v <= 0 ? null : v);
  const mean: Values = rows.map((r) => can(r.mean));
  const smoothed = looks.smoothing > 0;
  return {
    ...identity,
    x,
    y: smoothed ? smooth(x, mean, looks.smoothing) : mean,
    low: looks.shade ? rows.map((r) => can(r.low)) : mean,
    high: looks.shade ? rows.map((r) => can(r.high)) : mean,
    raw: smoothed ? mean : null,
    odd: curves.flatMap((c) => c.odd).sort((a, b) => a.x - b.x),
    fork: null,
    points: curves.reduce((sum, c) => sum + c.points, 0),
    last: null,
  };
}

/** The mean of a curve in each bin where it has a value. */
function binned(curve: Curve, width: number): Map<number, number> {
  const sums = new Map<number, { sum: number; count: number }>();
  curve.x.forEach((x, i) => {
    const y = curve.y[i];
    if (y == null) return;
    const bin = width > 0 ? Math.floor(x / width) * width : x;
    const at = sums.get(bin);
    if (at) {
      at.sum += y;
      at.count++;
    } else sums.set(bin, { sum: y, count: 1 });
  });
  return new Map([...sums].map(([bin, { sum, count }]) => [bin, sum / count]));
}

function spreadOf(values: readonly number[], band: GroupLooks["band"]) {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  if (band === "minmax") return { mean, low: Math.min(...values), high: Math.max(...values) };
  // Of the sample: two runs say little about the others.
  const deviation = values.length < 2 ? 0 : Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1));
  return { mean, low: mean - deviation, high: mean + deviation };
}
