// The course of a metric in a cell, and its least and greatest value. Pure.

import type { Series } from "../series";

export interface Course {
  /** Of finite values; null if there are none. */
  readonly min: number | null;
  readonly max: number | null;
  /** The path of a line in a box of SPARK_WIDTH x SPARK_HEIGHT; empty with fewer than two points. */
  readonly path: string;
}

export const SPARK_WIDTH = 56;
export const SPARK_HEIGHT = 18;
/** Rows that a course is drawn of. */
export const SPARK_ROWS = 28;

export function courseOf(s: Series): Course {
  let [min, max] = [Infinity, -Infinity];
  const points: [number, number][] = [];
  s.mean.forEach((mean, i) => {
    const [low, high] = [s.min[i] as number, s.max[i] as number];
    if (Number.isFinite(low)) min = Math.min(min, low);
    if (Number.isFinite(high)) max = Math.max(max, high);
    if (Number.isFinite(mean)) points.push([s.step[i] as number, mean]);
  });
  return { min: min === Infinity ? null : min, max: max === -Infinity ? null : max, path: pathOf(points) };
}

function pathOf(points: readonly [number, number][]): string {
  if (points.length < 2) return "";
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const x = (v: number) => 1 + ((v - left) / (right - left || 1)) * (SPARK_WIDTH - 2);
  // Halves first: the range of finite values may not be finite. A level course stands in the middle.
  const y = (v: number) => (high === low ? SPARK_HEIGHT / 2 : SPARK_HEIGHT - 2 - ((v / 2 - low / 2) / (high / 2 - low / 2)) * (SPARK_HEIGHT - 4));
  return points.map(([px, py], i) => `${i === 0 ? "M" : "L"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`).join("");
}
