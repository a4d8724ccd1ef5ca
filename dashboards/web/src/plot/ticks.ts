// What stands at the axis of x, and how a place on it is written. Pure.

import { count, duration, exactTime, number } from "../format";
import type { Range } from "../address";
import { MS, type XAxis } from "./curves";

/** Steps are whole numbers, and so are the ticks of their axis. */
export const STEP_INCREMENTS = Array.from({ length: 16 }, (_, e) => [1, 2, 5].map((m) => m * 10 ** e)).flat();

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Seconds as people part them. */
export const SECOND_INCREMENTS = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((m) => m * MINUTE),
  ...[1, 2, 3, 6, 12].map((h) => h * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((d) => d * DAY),
];

/** Sums of floats end in noise: 0.30000000000000004. */
const tidy = (v: number) => Number(v.toPrecision(10));

/** A step in an axis: 120k and not 120000. */
export function shortStep(v: number): string {
  const size = Math.abs(v);
  if (size >= 1e9) return `${tidy(v / 1e9)}G`;
  if (size >= 1e6) return `${tidy(v / 1e6)}M`;
  if (size >= 1e4) return `${tidy(v / 1e3)}k`;
  return String(tidy(v));
}

/** Seconds since the start in an axis: `40s`, `5m`, `1h30`, `2d`. */
export function shortSeconds(seconds: number): string {
  const sign = seconds < 0 ? "-" : "";
  const s = tidy(Math.abs(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  if (s < MINUTE) return `${sign}${s}s`;
  const [whole, minutes, hours] = [Math.floor(s), Math.floor(s / MINUTE), Math.floor(s / HOUR)];
  if (s < HOUR) return whole % MINUTE === 0 ? `${sign}${minutes}m` : `${sign}${minutes}m${two(whole % MINUTE)}`;
  if (s < DAY) return minutes % 60 === 0 ? `${sign}${hours}h` : `${sign}${hours}h${two(minutes % 60)}`;
  return hours % 24 === 0 ? `${sign}${hours / 24}d` : `${sign}${Math.floor(hours / 24)}d${two(hours % 24)}h`;
}

/** What x is called. */
export function axisName(x: XAxis): string {
  if (typeof x !== "string") return x.metric;
  return { step: "step", relative: "time since the start", time: "time" }[x];
}

/** A place on the axis in words, as above a tooltip; x as in a chart. */
export function place(x: XAxis, at: number): string {
  if (typeof x !== "string") return `${x.metric} ${number(at)}`;
  if (x === "step") return `step ${count(Math.round(at))}`;
  return x === "time" ? exactTime(at * MS) : `${duration(at * MS)} after the start`;
}

/** A part of a chart's x as a range in the address: whole steps, or whole milliseconds. */
export function rangeOf(x: XAxis, from: number, to: number): Range {
  if (typeof x !== "string") return { from: Number(from.toPrecision(6)), to: Number(to.toPrecision(6)) };
  const unit = x === "step" ? 1 : MS;
  return { from: Math.floor(from * unit), to: Math.ceil(to * unit) };
}

/** The least part of its place that a range is wide. */
const NARROWEST = 1e-4;

/** A range in the address as the ends of a chart's x. */
export function limitsOf(x: XAxis, range: Range | null): readonly [number, number] | null {
  if (!range) return null;
  const unit = x === "relative" || x === "time" ? MS : 1;
  const from = range.from / unit;
  // Of an address that somebody wrote: one point has some width, too.
  return [from, range.to > range.from ? range.to / unit : from + Math.max(Math.abs(from) * NARROWEST, 1 / unit)];
}

/** A range in words. */
export function rangeText(x: XAxis, range: Range): string {
  if (typeof x !== "string") return `${number(range.from)} … ${number(range.to)}`;
  if (x === "step") return `${count(range.from)} … ${count(range.to)}`;
  return x === "relative" ? `${duration(range.from)} … ${duration(range.to)}` : `${exactTime(range.from)} … ${exactTime(range.to)}`;
}
