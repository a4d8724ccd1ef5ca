// From series to what is drawn: x in the units of the axis, gaps where nothing can be drawn, smoothing. Pure.

import type { Stroke } from "../palette";
import { axisValue, type Axis, type Series } from "../series";
import { smooth } from "./smooth";

/** What x is: an axis that the server reads along, or the values of another metric. */
export type XAxis = Axis | { readonly metric: string };

/** The axis that points are read along for an x axis. */
export const readAxis = (x: XAxis): Axis => (typeof x === "string" ? x : "step");

/** A value at each x; null where there is none that can be drawn. */
export type Values = readonly (number | null)[];

/** Points that are no numbers, in a row. */
export interface Odd {
  readonly x: number;
  readonly nan: number;
  readonly posInf: number;
  readonly negInf: number;
}

/** Where a curve stops being another run's. */
export interface ForkPlace {
  /** The last x that is inherited. */
  readonly x: number;
  /** The run that logged what lies before, and what it is called. */
  readonly run: string;
  readonly name: string;
}

/** A line in a chart: of a run, or of a group of runs. */
export interface Curve {
  readonly id: string;
  readonly name: string;
  readonly stroke: Stroke;
  /** Ascending, each once: steps, or seconds on an axis of time. */
  readonly x: readonly number[];
  readonly y: Values;
  /** The band: least and greatest. */
  readonly low: Values;
  readonly high: Values;
  /** Before smoothing; null if there is none. */
  readonly raw: Values | null;
  readonly odd: readonly Odd[];
  /** Of a fork; null where nothing is inherited, and of a group. */
  readonly fork: ForkPlace | null;
  /** Points behind it. */
  readonly points: number;
  /** The newest value, whatever it is; null of a group, and where nothing is drawn. */
  readonly last: { readonly x: number; readonly value: number } | null;
}

export interface Looks {
  readonly x: XAxis;
  readonly logX: boolean;
  readonly logY: boolean;
  /** 0 to below 1. */
  readonly smoothing: number;
  /** Least to greatest as a band. */
  readonly shade: boolean;
}

export const PLAIN_LOOKS: Looks = { x: "step", logX: false, logY: false, smoothing: 0, shade: true };

/** So much of an id stands for a run whose name is not known. */
export const ID_SHORT = 8;

export type Identity = Pick<Curve, "id" | "name" | "stroke">;

/** Milliseconds of an axis are seconds in a chart. */
export const MS = 1000;

/** `along` is the series of the metric on the x axis, if there is one: without it such an axis has no points. */
export function curveOf(series: Series, identity: Identity, looks: Looks, along: Series | null = null): Curve {
  const xs = typeof looks.x === "string" ? ownX(series, looks.x) : along ? metricX(series, along) : series.step.map(() => NaN);
  const order = drawable(xs, looks.logX);
  const rows = order.length === xs.length && ascends(xs) ? { ...series, x: xs } : fold(series, xs, order);
  const can = (values: readonly number[]) => (looks.logY || !values.every(Number.isFinite) ? values.map((v) => (Number.isFinite(v) && !(looks.logY && v <= 0) ? v : null)) : values);
  const { x } = rows;
  const mean = can(rows.mean);
  const smoothed = looks.smoothing > 0;
  // Points have no band: that least and greatest are one and the same list says so (chart.ts).
  const shade = looks.shade && !(series.width === 0 && x === xs);
  return {
    ...identity,
    x,
    y: smoothed ? smooth(x, mean, looks.smoothing) : mean,
    low: shade ? can(rows.min) : mean,
    high: shade ? can(rows.max) : mean,
    raw: smoothed ? mean : null,
    odd: oddOf(series, xs, order),
    fork: forkOf(series, xs, order),
    points: series.points,
    last: lastOf(series, looks.x, order),
  };
}

/** Each x once. */
function ascends(xs: readonly number[]): boolean {
  for (let i = 1; i < xs.length; i++) if ((xs[i] as number) <= (xs[i - 1] as number)) return false;
  return true;
}

function ownX(series: Series, axis: Axis): readonly number[] {
  if (axis === "step") return series.step;
  return series.step.map((step, i) => axisValue(axis, series.start, step, series.time[i] ?? 0) / MS);
}

/** On an axis where what is inherited does not lie before the rest, as on another metric's, no place parts them. */
function forkOf(series: Series, xs: readonly number[], order: readonly number[]): ForkPlace | null {
  const { inherited } = series;
  if (!inherited) return null;
  const own = order.findIndex((i) => (series.stepLast[i] as number) > inherited.to);
  const before = own < 0 ? order : order.slice(0, own);
  const parted = own < 0 || order.slice(own).every((i) => (series.stepLast[i] as number) > inherited.to);
  const last = before[before.length - 1];
  return last !== undefined && parted ? { x: xs[last] as number, run: inherited.run, name: inherited.run.slice(0, ID_SHORT) } : null;
}

function lastOf(series: Series, x: XAxis, order: readonly number[]): Curve["last"] {
  const i = series.step.length - 1;
  if (i < 0 || order.length === 0) return null;
  const axis = readAxis(x);
  const at = axisValue(axis, series.start, series.stepLast[i] as number, series.timeLast[i] as number) / (axis === "step" ? 1 : MS);
  return { x: at, value: series.last[i] as number };
}

/** At each row the latest value that the other metric had by then. */
function metricX(series: Series, along: Series): number[] {
  let at = -1;
  return series.stepLast.map((step) => {
    while (at + 1 < along.step.length && (along.step[at + 1] as number) <= step) at++;
    return at < 0 ? NaN : (along.mean[at] as number);
  });
}

/** Rows by x; those without one, or that a logarithm has none for, are left out. */
function drawable(xs: readonly number[], logX: boolean): number[] {
  const rows: number[] = [];
  let sorted = true;
  xs.forEach((x, i) => {
    if (!Number.isFinite(x) || (logX && x <= 0)) return;
    if (rows.length > 0 && x < (xs[rows[rows.length - 1] as number] as number)) sorted = false;
    rows.push(i);
  });
  return sorted ? rows : rows.sort((a, b) => (xs[a] as number) - (xs[b] as number));
}

interface Folded {
  readonly x: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** Rows at the same x become one: what is finite of them counts. */
function fold(series: Series, xs: readonly number[], order: readonly number[]): { readonly [name in "x" | "mean" | "min" | "max"]: readonly number[] } {
  const rows: Folded[] = [];
  for (const i of order) {
    const count = (series.count[i] ?? 1) - (series.nan[i] ?? 0) - (series.posInf[i] ?? 0) - (series.negInf[i] ?? 0);
    const row = { x: xs[i] as number, mean: series.mean[i] as number, min: series.min[i] as number, max: series.max[i] as number, count };
    const before = rows[rows.length - 1];
    if (before?.x === row.x) rows[rows.length - 1] = joined(before, row);
    else rows.push(row);
  }
  const column = (name: "x" | "mean" | "min" | "max") => rows.map((r) => r[name]);
  return { x: column("x"), mean: column("mean"), min: column("min"), max: column("max") };
}

function joined(a: Folded, b: Folded): Folded {
  if (a.count <= 0) return b;
  if (b.count <= 0) return a;
  const count = a.count + b.count;
  const mean = (a.mean * a.count + b.mean * b.count) / count;
  return { x: a.x, mean, min: Math.min(a.min, b.min), max: Math.max(a.max, b.max), count };
}

function oddOf(series: Series, xs: readonly number[], order: readonly number[]): Odd[] {
  const odd: Odd[] = [];
  for (const i of order) {
    const [nan = 0, posInf = 0, negInf = 0] = [series.nan[i], series.posInf[i], series.negInf[i]];
    if (nan + posInf + negInf > 0) odd.push({ x: xs[i] as number, nan, posInf, negInf });
  }
  return odd;
}
