// Series of runs: the server's answer (docs/series.md) as columns. Pure.

/** What a chart's points are read along. */
export type Axis = "step" | "relative" | "time";

/** Numbers as the server sends them: NaN and infinities are texts. */
type WireValues = readonly (number | string)[];

/** A line of the answer of POST /v1/series. */
export interface WireLine {
  readonly run_id: string;
  readonly key: string;
  readonly start_time: number;
  readonly bucket_width: number;
  readonly points_total: number;
  readonly parts: readonly { readonly run_id: string; readonly attempt: number; readonly to_step: number; readonly inherited: boolean }[];
  readonly as_of: Readonly<Record<string, number>>;
  readonly step: readonly number[];
  /** Missing where nobody asked for times. */
  readonly time?: readonly number[];
  /** Of a raw line. */
  readonly value?: WireValues;
  /** Of buckets. */
  readonly step_last?: readonly number[];
  readonly time_last?: readonly number[];
  readonly min?: WireValues;
  readonly max?: WireValues;
  readonly mean?: WireValues;
  readonly last?: WireValues;
  readonly count?: readonly number[];
  readonly nan?: readonly number[];
  readonly pos_inf?: readonly number[];
  readonly neg_inf?: readonly number[];
}

/** The columns that decodeLine needs. */
export const WIRE_COLUMNS = [
  ...["step", "step_last", "time", "time_last", "value", "min", "max", "mean", "last"],
  ...["count", "nan", "pos_inf", "neg_inf"],
] as const;

const TIMES: readonly string[] = ["time", "time_last"];

/** Without times where they are of no use: they are a quarter of an answer. */
export const wireColumns = (times: boolean): readonly string[] => (times ? WIRE_COLUMNS : WIRE_COLUMNS.filter((name) => !TIMES.includes(name)));

/** What each row of a series has; a row is a bucket of neighbouring points, or one point. */
export const ROW_COLUMNS = [
  ...(["step", "stepLast", "time", "timeLast", "min", "max", "mean", "last"] as const),
  ...(["count", "nan", "posInf", "negInf"] as const),
] as const;

export type RowColumn = (typeof ROW_COLUMNS)[number];
export type Row = { [name in RowColumn]: number };
export type RowColumns = { readonly [name in RowColumn]: readonly number[] };

/** What a fork shows of the run that it was forked from. */
export interface Inherited {
  /** The run that logged it; of several generations the nearest. */
  readonly run: string;
  /** The last step of it. */
  readonly to: number;
}

/** One metric of one run. min, max and mean are of finite values where a row has any; last is the value at its greatest step, whatever it is. */
export interface Series extends RowColumns {
  readonly run: string;
  readonly key: string;
  /** When the run began, in milliseconds since the epoch. */
  readonly start: number;
  /** Of a bucket on the axis; 0: rows are points. */
  readonly width: number;
  /** Stored points behind the rows. */
  readonly points: number;
  /** The greatest launch of the run that it shows. */
  readonly attempt: number;
  /** Null: the run has logged all of it by itself. */
  readonly inherited: Inherited | null;
  /** By lane: everything up to here is in it, and nothing later. */
  readonly asOf: ReadonlyMap<number, number>;
}

export function decodeLine(line: WireLine): Series {
  const head = {
    run: line.run_id,
    key: line.key,
    start: line.start_time,
    width: line.bucket_width,
    points: line.points_total,
    // The launches of another run say nothing of this one's.
    attempt: Math.max(0, ...line.parts.filter((p) => !p.inherited).map((p) => p.attempt)),
    inherited: inheritedOf(line.parts),
    asOf: new Map(Object.entries(line.as_of).map(([lane, seq]) => [Number(lane), seq])),
  };
  return line.value ? { ...head, ...pointColumns(line.step, line.time ?? line.step.map(() => 0), line.value.map(Number)) } : { ...head, ...bucketColumns(line) };
}

function inheritedOf(parts: WireLine["parts"]): Inherited | null {
  const last = parts.filter((p) => p.inherited).reduce<WireLine["parts"][number] | null>((a, p) => (a === null || p.to_step > a.to_step ? p : a), null);
  return last === null ? null : { run: last.run_id, to: last.to_step };
}

/** Each point as a row of its own; the columns that are the same share one array. */
export function pointColumns(step: readonly number[], time: readonly number[], value: readonly number[]): RowColumns {
  return {
    ...{ step, stepLast: step, time, timeLast: time, min: value, max: value, mean: value, last: value },
    count: value.map(() => 1),
    nan: value.map((v) => (Number.isNaN(v) ? 1 : 0)),
    posInf: value.map((v) => (v === Infinity ? 1 : 0)),
    negInf: value.map((v) => (v === -Infinity ? 1 : 0)),
  };
}

function bucketColumns(line: WireLine): RowColumns {
  const none = line.step.map(() => 0);
  const numbers = (values: WireValues | undefined) => (values ?? none).map(Number);
  return {
    ...{ step: line.step, stepLast: line.step_last ?? line.step, time: line.time ?? none, timeLast: line.time_last ?? line.time ?? none },
    ...{ min: numbers(line.min), max: numbers(line.max), mean: numbers(line.mean), last: numbers(line.last) },
    ...{ count: line.count ?? none, nan: line.nan ?? none, posInf: line.pos_inf ?? none, negInf: line.neg_inf ?? none },
  };
}

/** Where a row begins on an axis: a step, or milliseconds. */
export function axisValue(axis: Axis, start: number, step: number, time: number): number {
  return axis === "step" ? step : axis === "time" ? time : time - start;
}

/** A row of a series by itself. */
export function rowAt(s: RowColumns, i: number): Row {
  return Object.fromEntries(ROW_COLUMNS.map((name) => [name, s[name][i]])) as Row;
}
