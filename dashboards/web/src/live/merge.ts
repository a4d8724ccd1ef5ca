// Live rows laid over a series that was read. Pure.

import type { Range } from "../address";
import { axisValue, pointColumns, ROW_COLUMNS, rowAt, type Axis, type Row, type RowColumn, type Series } from "../series";

/** Points of one line, as an event `points` brings them (docs/series.md). */
export interface LiveLine {
  readonly run_id: string;
  readonly key: string;
  readonly attempt: number;
  readonly lane: number;
  readonly seq: readonly number[];
  readonly step: readonly number[];
  readonly time: readonly number[];
  readonly value: readonly (number | string)[];
}

export interface Merged {
  readonly series: Series;
  /** The server must be asked: the run was launched again, or the rows became too many to draw. */
  readonly again: boolean;
}

/** A series of a metric whose first points come live. */
export function emptySeries(run: string, key: string, start: number): Series {
  return { run, key, start, width: 0, points: 0, attempt: 0, inherited: null, asOf: new Map(), ...pointColumns([], [], []) };
}

/**
 * Joins live points with a series: what the series has already is left out by its positions, the rest joins the bucket
 * where it belongs or stands as a row of its own. `range` is on the axis; `rowsMax` is where `again` begins.
 */
export function mergeLive(series: Series, lines: readonly LiveLine[], axis: Axis, range: Range | null, rowsMax: number): Merged {
  const asOf = new Map(series.asOf);
  const edit = new Rows(series, axis);
  let points = series.points;
  let again = false;
  for (const line of lines) {
    if (line.attempt > series.attempt && series.step.length > 0) again = true;
    const known = series.asOf.get(line.lane) ?? -1;
    line.seq.forEach((seq, i) => {
      if (seq <= known) return;
      asOf.set(line.lane, Math.max(asOf.get(line.lane) ?? -1, seq));
      const step = line.step[i] ?? 0;
      const time = line.time[i] ?? 0;
      const at = axisValue(axis, series.start, step, time);
      if (range && (at < range.from || at > range.to)) return;
      if (edit.add(step, time, Number(line.value[i]))) points++;
    });
  }
  const attempt = series.step.length > 0 ? series.attempt : Math.max(series.attempt, ...lines.map((l) => l.attempt));
  const next = { ...series, ...edit.columns(), asOf, points, attempt };
  const many = next.step.length;
  return { series: many > rowsMax * HARD ? coarsened(next, axis, rowsMax) : next, again: again || many > rowsMax };
}

/** A server that is asked and does not answer must not make a page grow: beyond so many times the wanted rows they are joined here. */
const HARD = 2;

/** A series in at most so many rows: buckets are twice as wide until then. */
export function coarsened(series: Series, axis: Axis, rowsMax: number): Series {
  const at = series.step.map((step, i) => axisValue(axis, series.start, step, series.time[i] as number));
  const [least, greatest] = at.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  let width = Math.max(1, series.width);
  while (Math.floor(greatest / width) - Math.floor(least / width) >= rowsMax) width *= 2;
  let rows: Row[] = [];
  at.forEach((place, i) => {
    const same = i > 0 && Math.floor(place / width) === Math.floor((at[i - 1] as number) / width);
    const row = rowAt(series, i);
    if (same) rows[rows.length - 1] = joinRows(rows[rows.length - 1] as Row, row);
    else rows.push(row);
  });
  // Times that go back and forth can leave more.
  while (rows.length > rowsMax) rows = rows.flatMap((row, i) => (i % 2 ? [] : [i + 1 < rows.length ? joinRows(row, rows[i + 1] as Row) : row]));
  const columns = Object.fromEntries(ROW_COLUMNS.map((name) => [name, rows.map((r) => r[name])])) as { [name in RowColumn]: number[] };
  return { ...series, ...columns, width };
}

/** The rows of a series while they change. */
class Rows {
  readonly #columns: { [name in RowColumn]: number[] };

  constructor(
    private readonly series: Series,
    private readonly axis: Axis,
  ) {
    this.#columns = Object.fromEntries(ROW_COLUMNS.map((name) => [name, [...series[name]]])) as { [name in RowColumn]: number[] };
  }

  columns() {
    return this.#columns;
  }

  /** Answers false for a point that stands there already. */
  add(step: number, time: number, value: number): boolean {
    const row: Row = {
      ...{ step, stepLast: step, time, timeLast: time, min: value, max: value, mean: value, last: value, count: 1 },
      ...{ nan: Number.isNaN(value) ? 1 : 0, posInf: value === Infinity ? 1 : 0, negInf: value === -Infinity ? 1 : 0 },
    };
    const place = this.#place(row);
    const at = this.#after(place);
    if (at > 0 && this.#placeAt(at - 1) === place) {
      if (this.series.width > 0) {
        this.#set(at - 1, joinRows(rowAt(this.#columns, at - 1), row));
        return true;
      }
      for (let i = at - 1; i >= 0 && this.#columns.step[i] === step; i--) {
        if (this.#columns.time[i] === time && Object.is(this.#columns.mean[i], value)) return false;
      }
    }
    for (const name of ROW_COLUMNS) this.#columns[name].splice(at, 0, row[name]);
    return true;
  }

  /** What rows are ordered by: the bucket's number, or a point's step. */
  #place(row: Pick<Row, "step" | "time">): number {
    if (this.series.width === 0) return row.step;
    return Math.floor(axisValue(this.axis, this.series.start, row.step, row.time) / this.series.width);
  }

  #placeAt(i: number): number {
    return this.#place({ step: this.#columns.step[i] as number, time: this.#columns.time[i] as number });
  }

  /** The index behind the last row whose place is not greater; new points nearly always come last. */
  #after(place: number): number {
    let high = this.#columns.step.length;
    if (high === 0 || this.#placeAt(high - 1) <= place) return high;
    let low = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#placeAt(middle) <= place) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #set(i: number, row: Row): void {
    for (const name of ROW_COLUMNS) this.#columns[name][i] = row[name];
  }
}

/** Two rows as one. min, max and mean stay those of finite values as long as there are any. */
export function joinRows(a: Row, b: Row): Row {
  const odd = { nan: a.nan + b.nan, posInf: a.posInf + b.posInf, negInf: a.negInf + b.negInf };
  const ends = {
    last: b.stepLast >= a.stepLast ? b.last : a.last,
    step: Math.min(a.step, b.step),
    stepLast: Math.max(a.stepLast, b.stepLast),
    time: Math.min(a.time, b.time),
    timeLast: Math.max(a.timeLast, b.timeLast),
  };
  const finiteA = finite(a);
  const finiteB = finite(b);
  const count = a.count + b.count;
  if (finiteB === 0) return { ...a, ...ends, ...odd, count };
  if (finiteA === 0) return { ...b, ...ends, ...odd, count };
  const mean = (a.mean * finiteA + b.mean * finiteB) / (finiteA + finiteB);
  return { ...ends, ...odd, count, mean, min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

/** How many finite points a row has. */
export function finite(row: Row): number {
  return row.count - row.nan - row.posInf - row.negInf;
}
