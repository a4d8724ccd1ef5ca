// How uPlot is told to draw curves: values as a line, least to greatest as a band behind it, and faint the values that a
// smoothed line was made from.

import uPlot from "uplot";

import { tick } from "../format";
import { COLUMNS_PER_CURVE, nearest, upperBound, yRange, type Columns } from "./align";
import type { Curve, XAxis } from "./curves";
import { drawForks, drawLabels, drawOdd, LABEL_WIDTH } from "./marks";
import { SECOND_INCREMENTS, shortSeconds, shortStep, STEP_INCREMENTS } from "./ticks";

/** What the pointer is over: the place on x, and each curve's value near it, greatest first. */
export interface Hover {
  readonly x: number;
  /** Pixels from the chart's left edge. */
  readonly left: number;
  readonly rows: readonly HoverRow[];
}

export interface HoverRow {
  readonly curve: Curve;
  readonly y: number;
  readonly low: number;
  readonly high: number;
  /** Before smoothing; null without. */
  readonly raw: number | null;
  /** What the run is called that logged it; null: this curve's own. */
  readonly from: string | null;
  readonly near: boolean;
  /** Pixels between the pointer and the value, up or down. */
  readonly away: number;
}

export interface ChartOptions {
  /** The curves now: their values may change under a chart, their number and looks may not. */
  curves(): readonly Curve[];
  readonly x: XAxis;
  readonly logX: boolean;
  readonly logY: boolean;
  /** The ends of x, or null: as far as there are values. */
  xLimits(): readonly [number, number] | null;
  /** The same for y. */
  yLimits(): readonly [number, number] | null;
  readonly width: number;
  readonly height: number;
  onhover(hover: Hover | null): void;
  /** A part of x was dragged over; null: all of it is wanted. */
  onzoom(range: readonly [number, number] | null): void;
}

/** On a narrower chart the labels would eat the lines. */
export const LABELS_FROM_WIDTH = 640;
const LABELS_MAX = 12;
/** A drag shorter than this was meant as a click. */
const DRAG_MIN_PX = 6;
/** Lines of so few rows show them as dots. */
const DOTS_MAX = 40;
/** Opacity, as two hex digits, of the band between least and greatest value, of its edges, and of unsmoothed values. */
const BAND_ALPHA = "30";
const EDGE_ALPHA = "50";
const RAW_ALPHA = "59";
/** How another run's part of a fork is drawn. */
const INHERITED_ALPHA = "80";
const INHERITED_DASH = [3, 4];
const LINE_PX = 1.75;
const LIT_PX = 2.75;
/** Opacity of the other curves while one is lit. */
const STEPPED_BACK = 0.2;

/** Builds a chart into a node; the caller destroys it. */
export function createChart(node: HTMLElement, data: Columns, options: ChartOptions): uPlot {
  const token = tokensOf(node);
  const drawn = options.curves();
  const labels = options.width >= LABELS_FROM_WIDTH && drawn.length <= LABELS_MAX;
  return new uPlot(
    {
      width: options.width,
      height: options.height,
      padding: [10, labels ? LABEL_WIDTH : 14, 0, 0],
      legend: { show: false },
      scales: {
        x: {
          time: options.x === "time",
          distr: options.logX ? 3 : 1,
          range: (u, min, max) => xScale(u, options, min, max),
        },
        y: { distr: options.logY ? 3 : 1, range: (_u, min, max) => yScale(options, min, max) },
      },
      axes: axesOf(options, token),
      cursor: cursorOf(options),
      series: [{}, ...drawn.flatMap((curve, i) => seriesOf(curve, i, token, options))],
      bands: drawn.map((curve, i) => ({
        series: [i * COLUMNS_PER_CURVE + 3, i * COLUMNS_PER_CURVE + 2],
        fill: token(`--series-${curve.stroke.colour}`) + BAND_ALPHA,
      })),
      hooks: {
        draw: [(u) => drawOdd(u, options.curves(), token), (u) => drawForks(u, options.curves(), token), ...(labels ? [(u: uPlot) => drawLabels(u, options.curves(), token)] : [])],
        setCursor: [(u) => options.onhover(hoverOf(u, options.curves()))],
        setSelect: [(u) => zoom(u, options)],
      },
    },
    data as unknown as uPlot.AlignedData,
    node,
  );
}

/** The tokens of the style where a chart stands, each read once: a chart of another theme is another one. */
function tokensOf(node: HTMLElement): (name: string) => string {
  const css = getComputedStyle(node);
  const known = new Map<string, string>();
  return (name) => {
    const value = known.get(name) ?? css.getPropertyValue(name).trim();
    known.set(name, value);
    return value;
  };
}

function axesOf(options: ChartOptions, token: (name: string) => string): uPlot.Axis[] {
  const axis: uPlot.Axis = {
    font: `11px ${token("--font-mono")}`,
    stroke: token("--grey-9"),
    grid: { stroke: token("--grey-4"), width: 1 },
    ticks: { stroke: token("--grey-5"), width: 1, size: 4 },
  };
  const powers = { ...axis.grid, filter: (_u: uPlot, ticks: number[]) => ticks.map((v) => (isPower(v) ? v : null)) };
  const write = (values: (v: number) => string) => (_u: uPlot, ticks: (number | null)[]) => ticks.map((v) => (v === null ? "" : values(v)));
  const x: uPlot.Axis = { ...axis, size: 30, ...(options.logX ? { grid: powers as uPlot.Axis.Grid } : {}) };
  if (options.x === "step") x.values = write(shortStep);
  if (options.x === "relative") x.values = write(shortSeconds);
  if (typeof options.x !== "string") x.values = write(tick);
  if (!options.logX && options.x === "step") x.incrs = STEP_INCREMENTS;
  if (!options.logX && options.x === "relative") x.incrs = SECOND_INCREMENTS;
  return [x, { ...axis, size: 62, space: 36, grid: (options.logY ? powers : axis.grid) as uPlot.Axis.Grid, values: write(tick) }];
}

function cursorOf(options: ChartOptions): uPlot.Cursor {
  return {
    drag: { x: true, y: false, setScale: false },
    points: {
      size: 7,
      // Only the line itself has a dot: its band and unsmoothed values would double it.
      show: (u, i) => (i % COLUMNS_PER_CURVE === 1 ? dot(u, i) : (null as unknown as HTMLElement)),
    },
    dataIdx: (u, series, _index, at) => {
      if (series % COLUMNS_PER_CURVE !== 1) return null as unknown as number;
      const i = nearest(u.data[0] as number[], u.data[series] ?? [], at);
      return i < 0 ? (null as unknown as number) : i;
    },
    bind: {
      // With Shift or another button a drag moves what is shown (gestures.ts).
      mousedown: (_u, _target, handle) => (e) => (e.button === 0 && !e.shiftKey && handle(e), null),
      dblclick: () => () => (options.onzoom(null), null),
    },
  };
}

function dot(u: uPlot, series: number): HTMLElement {
  const node = document.createElement("div");
  node.className = "dot";
  const stroke = u.series[series]?.stroke as unknown;
  node.style.background = typeof stroke === "function" ? (stroke as (u: uPlot, i: number) => string)(u, series) : String(stroke);
  return node;
}

function seriesOf(curve: Curve, index: number, token: (name: string) => string, options: ChartOptions): uPlot.Series[] {
  const colour = token(`--series-${curve.stroke.colour}`);
  const dots = () => (options.curves()[index]?.x.length ?? 0) <= DOTS_MAX;
  // A band of one row is too thin to be seen without its edges: they keep a lone spike visible.
  const edge: uPlot.Series = { stroke: colour + EDGE_ALPHA, width: 1, paths: edgePath(index), points: { show: false } };
  return [
    { label: `${index}`, stroke: colour, width: LINE_PX, dash: [...curve.stroke.dash], paths: ownPath(index, options), points: { show: dots, size: 5, fill: colour, filter: ownDots(index, options) } },
    edge,
    edge,
    { stroke: colour + RAW_ALPHA, width: 1, paths: somePath, points: { show: false } },
    { stroke: colour + INHERITED_ALPHA, width: LINE_PX, dash: INHERITED_DASH, paths: somePath, points: { show: false } },
  ];
}

const linear = uPlot.paths.linear?.() ?? (() => null);

/** Nothing costs nothing. */
const somePath: uPlot.Series.PathBuilder = (u, series, from, to) => (u.data[series]?.length ? linear(u, series, from, to) : null);

/** Where least and greatest are one list there is no band (align.ts), and what would be drawn lies under the line. */
function edgePath(index: number): uPlot.Series.PathBuilder {
  const [low, high] = [index * COLUMNS_PER_CURVE + 2, index * COLUMNS_PER_CURVE + 3];
  return (u, series, from, to) => (u.data[low] === u.data[high] ? null : linear(u, series, from, to));
}

/** What a fork inherited has no dots. */
function ownDots(index: number, options: ChartOptions): uPlot.Series.Points.Filter {
  return (u, series, show) => {
    const fork = options.curves()[index]?.fork;
    const x = u.data[0] as number[];
    if (!fork || show === false) return null;
    const own = upperBound(x, fork.x);
    return Array.from({ length: x.length - own }, (_, i) => own + i).filter((i) => u.data[series]?.[i] != null);
  };
}

/** The line of a fork begins where its run's own values do; what it inherited is drawn by a column of its own. */
function ownPath(index: number, options: ChartOptions): uPlot.Series.PathBuilder {
  return (u, series, from, to) => {
    const fork = options.curves()[index]?.fork;
    const own = fork ? Math.max(from, upperBound(u.data[0] as number[], fork.x)) : from;
    return own <= to ? linear(u, series, own, to) : null;
  };
}

/** Which curve is to be lit; -1: all are alike, as one alone always is. */
export const litOf = (curves: readonly Curve[], id: string | null): number => (id === null || curves.length < 2 ? -1 : curves.findIndex((c) => c.id === id));

/** Lights one curve and lets the others step back; -1: all are alike. Only strokes anew what is drawn. */
export function light(u: uPlot, curves: readonly Curve[], lit: number): void {
  curves.forEach((_, i) => {
    for (let column = 1; column <= COLUMNS_PER_CURVE; column++) {
      const series = u.series[i * COLUMNS_PER_CURVE + column];
      if (!series) continue;
      series.alpha = lit >= 0 && i !== lit ? STEPPED_BACK : 1;
      if (column === 1) series.width = i === lit ? LIT_PX : LINE_PX;
    }
  });
  u.redraw(false);
}

/** Shows the crosshair of another chart. */
export function follow(u: uPlot, x: number | null): void {
  const left = x === null ? -10 : u.valToPos(x, "x");
  // Not the node's own width: to read that in each of many charts would lay out the page as often.
  const inside = left >= 0 && left <= u.bbox.width / devicePixelRatio;
  u.setCursor({ left: inside ? left : -10, top: inside ? 0 : -10 }, false);
}

/** From the first value to the last; a single one stands in the middle. */
function xRange(u: uPlot, min: number, max: number): [number, number] {
  const x = u.data[0] as number[];
  const first = x[0];
  return x.length === 1 && first !== undefined ? [first - 1, first + 1] : [min, max];
}

function yScale(options: ChartOptions, min: number | null, max: number | null): [number, number] {
  const [low, high] = options.yLimits() ?? [min, max];
  return options.logY ? logRange(low, high) : yRange(low, high);
}

const isPower = (v: number) => Number.isInteger(Number(Math.log10(v).toPrecision(10)));

/** What is zoomed to is shown as it is; a logarithmic axis begins above 0. */
function xScale(u: uPlot, options: ChartOptions, min: number, max: number): [number, number] {
  const limits = options.xLimits();
  if (limits && (!options.logX || limits[0] > 0)) return [limits[0], limits[1]];
  return options.logX ? logRange(min, max) : xRange(u, min, max);
}

/** Whole powers of ten: uPlot's ticks of a logarithmic axis start at its lower end. */
function logRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !(min > 0) || !Number.isFinite(max)) return [0.1, 1];
  const [low, high] = uPlot.rangeLog(min, max, 10, true);
  return [low ?? 0.1, high ?? 1];
}

function zoom(u: uPlot, options: ChartOptions): void {
  const { left, width } = u.select;
  if (width >= DRAG_MIN_PX) options.onzoom([u.posToVal(left, "x"), u.posToVal(left + width, "x")]);
  if (width > 0) u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}

function hoverOf(u: uPlot, curves: readonly Curve[]): Hover | null {
  const { left = -1, top = -1, idxs } = u.cursor;
  if (left < 0 || !idxs) return null;
  const rows: HoverRow[] = [];
  curves.forEach((curve, i) => {
    const column = i * COLUMNS_PER_CURVE + 1;
    const index = idxs[column];
    const y = index == null ? null : u.data[column]?.[index];
    if (index == null || y == null) return;
    const [low, high, raw] = [1, 2, 3].map((n) => u.data[column + n]?.[index]);
    rows.push({ curve, y, low: low ?? y, high: high ?? y, raw: raw ?? null, from: curve.fork && (u.data[0][index] as number) <= curve.fork.x ? curve.fork.name : null, near: false, away: Math.abs(u.valToPos(y, "y") - top) });
  });
  if (rows.length === 0) return null;
  const closest = rows.reduce((a, b) => (b.away < a.away ? b : a));
  const marked = rows.map((row) => ({ ...row, near: row === closest }));
  marked.sort((a, b) => b.y - a.y);
  return { x: u.posToVal(left, "x"), left: u.bbox.left / devicePixelRatio + left, rows: marked };
}
