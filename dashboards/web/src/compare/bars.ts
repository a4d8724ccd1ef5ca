// One value of a metric a run, or a group of runs, as bars. Pure.

import type { Stroke } from "../palette";
import type { Series } from "../series";
import { lineID, strokesOf, type Member } from "./groups";
import type { Band } from "./view";

export const STATS = ["last", "min", "max"] as const;
export type Stat = (typeof STATS)[number];

export interface Bar {
  readonly id: string;
  readonly name: string;
  readonly stroke: Stroke;
  /** Of a group the mean of its finite values; NaN or infinite if there is none. */
  readonly value: number;
  /** How far the runs of a group lie apart; of a single run its value. */
  readonly low: number;
  readonly high: number;
  readonly runs: number;
}

/** Least first; what is not finite comes last. Runs without the metric have no bar. */
export function barsOf(members: readonly Member[], series: (run: string) => Series | undefined, stat: Stat, band: Band): Bar[] {
  const strokes = strokesOf(members);
  const lines = new Map<string, { name: string; values: number[] }>();
  for (const member of members) {
    const value = valueOf(series(member.id), stat);
    if (value === null) continue;
    const line = lines.get(lineID(member)) ?? { name: member.group ?? member.name, values: [] };
    line.values.push(value);
    lines.set(lineID(member), line);
  }
  const bars = [...lines].map(([id, { name, values }]) => ({ id, name, stroke: strokes.get(id) as Stroke, runs: values.length, ...spreadOf(values, band) }));
  return bars.sort((a, b) => order(a.value, b.value) || a.name.localeCompare(b.name, "en", { numeric: true }));
}

function order(a: number, b: number): number {
  const [finiteA, finiteB] = [Number.isFinite(a), Number.isFinite(b)];
  return finiteA && finiteB ? a - b : Number(finiteB) - Number(finiteA);
}

/** The last value is the one at the greatest step, whatever it is; least and greatest are of finite values where there are any. */
function valueOf(series: Series | undefined, stat: Stat): number | null {
  if (!series || series.step.length === 0) return null;
  if (stat === "last") return series.last[series.last.length - 1] as number;
  const values = series[stat].filter(Number.isFinite);
  if (values.length === 0) return series[stat][0] as number;
  return stat === "min" ? Math.min(...values) : Math.max(...values);
}

function spreadOf(all: readonly number[], band: Band): Pick<Bar, "value" | "low" | "high"> {
  const values = all.filter(Number.isFinite);
  if (values.length === 0) return { value: all[0] as number, low: NaN, high: NaN };
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  if (band === "minmax") return { value: mean, low: Math.min(...values), high: Math.max(...values) };
  const deviation = values.length < 2 ? 0 : Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1));
  return { value: mean, low: mean - deviation, high: mean + deviation };
}

/** From values to per cent of the width; zero is on it. */
export function barScale(bars: readonly Bar[]): (v: number) => number {
  const ends = bars.flatMap((b) => [b.value, b.low, b.high]).filter(Number.isFinite);
  const [least, greatest] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  return (v) => ((v - least) / (greatest - least || 1)) * 100;
}
