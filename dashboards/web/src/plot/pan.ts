// Moving, narrowing and widening the part of x that a chart shows; x is as in a chart. Pure.

import type { Range } from "../address";
import { MS, type XAxis } from "./curves";

/** The ends of a chart's x. */
export type Limits = readonly [number, number];

/** A part of a metric's axis is kept with six digits: a narrower one than this part of its ends would be none. */
const METRIC_WIDTH_MIN = 1e-4;
/** In steps, or milliseconds. */
const WIDTH_MIN = 2;

/**
 * Limits moved by so many times their width. Where it is known how far values go, the limits begin with the first of them, and
 * end where the last one would stand in the middle: a run that goes on fills what is right of it.
 */
export function panned([from, to]: Limits, by: number, extent: Limits | null): Limits {
  const width = to - from;
  const least = extent ? Math.min(0, extent[0] - from) : -Infinity;
  const most = extent ? Math.max(0, extent[1] - (from + to) / 2) : Infinity;
  const shift = Math.min(Math.max(by * width, least), most);
  return [from + shift, to + shift];
}

/** Limits `factor` times as wide, in which `at` stays where it is; null: all that there is. */
export function zoomed(x: XAxis, [from, to]: Limits, at: number, factor: number, extent: Limits | null): Limits | null {
  const width = to - from;
  const wanted = Math.max(width * factor, widthMin(x, [from, to]));
  const begin = at - ((at - from) / width) * wanted;
  const end = begin + wanted;
  if (!extent || factor < 1) return [begin, end];
  if (begin <= extent[0] && end >= extent[1]) return null;
  // What lies beyond the values is no use.
  return [Math.max(begin, Math.min(from, extent[0])), Math.min(end, Math.max(to, extent[1]))];
}

function widthMin(x: XAxis, [from, to]: Limits): number {
  if (typeof x !== "string") return Math.max(Math.abs(from), Math.abs(to)) * METRIC_WIDTH_MIN;
  return x === "step" ? WIDTH_MIN : WIDTH_MIN / MS;
}

/** Limits as a range in the address, to the nearest step or millisecond: what is moved keeps its width. */
export function rangeNear(x: XAxis, [from, to]: Limits): Range {
  if (typeof x !== "string") return { from: Number(from.toPrecision(6)), to: Number(to.toPrecision(6)) };
  const unit = x === "step" ? 1 : MS;
  const [begin, end] = [Math.round(from * unit), Math.round(to * unit)];
  return { from: begin, to: Math.max(end, begin + 1) };
}
