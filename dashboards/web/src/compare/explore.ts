// Params and metrics of many runs as numbers, for pictures that set them against each other. Pure.

import type { Run } from "../api";
import { available, columnName, rankedMetrics, type Column } from "../columns";
import { isNumeric } from "../format";

/** A column of values, one a run. */
export interface Dimension {
  readonly column: Column;
  readonly name: string;
  /** Of texts: what the numbers stand for. Null: numbers. */
  readonly words: readonly string[] | null;
  /** Positive numbers, which a logarithmic axis can show. */
  readonly positive: boolean;
  /** By their logarithm: as a reader chose, else params over two powers of ten or more, as learning rates are. */
  readonly log: boolean;
  /** Null where a run has none, or no finite one. */
  readonly values: readonly (number | null)[];
}

const LOG_FROM = 100;
/** A text with more values than this tells runs apart, and says nothing about them. */
const WORDS_MAX = 50;
const PARAMS = 6;

/** A reader's choice of an axis, by the name of its column: logarithmic or not. */
export type Scales = ReadonlyMap<string, boolean>;

const NO_SCALES: Scales = new Map();

export function dimension(runs: readonly Run[], column: Column, scales: Scales = NO_SCALES): Dimension {
  const texts = runs.map((r) => (column.kind === "params" ? (r.params.get(column.key) ?? null) : String(r.metrics.get(column.key)?.value ?? "")));
  const given = texts.filter((t) => t !== null && t !== "");
  const numbers = column.kind === "metrics" || given.every((t) => isNumeric(t as string));
  if (!numbers) {
    const words = [...new Set(given as string[])].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    const index = new Map(words.map((w, i) => [w, i]));
    return { column, name: column.key, words, positive: false, log: false, values: texts.map((t) => (t === null ? null : (index.get(t) ?? null))) };
  }
  const values = texts.map((t) => (t === null || !isNumeric(t) ? null : Number(t)));
  const finite = values.filter((v) => v !== null);
  const [least, greatest] = [Math.min(...finite), Math.max(...finite)];
  const positive = finite.length > 0 && least > 0;
  // A metric near 1 is told from its neighbours at the end where a logarithm has no room: it is linear until someone asks.
  const log = positive && (scales.get(columnName(column)) ?? (column.kind === "params" && greatest / least >= LOG_FROM));
  return { column, name: column.key, words: null, positive, log, values };
}

/** What stands against each other before anyone chose: the params that differ, and last the metric most likely meant. */
export function firstDimensions(runs: readonly Run[]): Column[] {
  const params = [...available(runs, "params").keys()].map((key): Column => ({ kind: "params", key }));
  const telling = params.filter((column) => {
    const values = new Set(runs.map((r) => r.params.get(column.key)));
    return values.size > 1 && (dimension(runs, column).words?.length ?? 0) <= WORDS_MAX;
  });
  const metrics = rankedMetrics(runs).map((key): Column => ({ kind: "metrics", key }));
  return [...telling.slice(0, PARAMS), ...metrics.slice(0, 1)];
}

/** Part of a dimension that a reader marked; both ends are in it. */
export interface Brush {
  readonly column: string;
  readonly from: number;
  readonly to: number;
}

/** The runs that lie in all marked parts. */
export function brushed(dimensions: readonly Dimension[], brushes: readonly Brush[], runs: readonly Run[]): Run[] {
  const parts = brushes.flatMap((b) => {
    const of = dimensions.find((d) => columnName(d.column) === b.column);
    return of ? [{ of, from: b.from, to: b.to }] : [];
  });
  return runs.filter((_, i) =>
    parts.every(({ of, from, to }) => {
      const v = of.values[i] ?? null;
      return v !== null && v >= from && v <= to;
    }),
  );
}

/** `log:metrics.loss` or `linear:params.lr` in the address. */
export function parseScale(text: string): readonly [string, boolean] | null {
  const found = /^(log|linear):(.+)$/s.exec(text);
  return found ? [found[2] as string, found[1] === "log"] : null;
}

export const formatScale = ([column, log]: readonly [string, boolean]): string => `${log ? "log" : "linear"}:${column}`;

/** `params.lr:0.001:0.01` in the address. */
export function parseBrush(text: string): Brush | null {
  const found = /^(.+):([^:]+):([^:]+)$/s.exec(text);
  const [column, from, to] = [found?.[1], Number(found?.[2] ?? NaN), Number(found?.[3] ?? NaN)];
  return column !== undefined && from <= to ? { column, from, to } : null;
}

export const formatBrush = (b: Brush): string => `${b.column}:${b.from}:${b.to}`;
