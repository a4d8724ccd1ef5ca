// How uPlot is told to draw the lines of runs: mean as a line, least to greatest value as a band behind it.

import uPlot from "uplot";

import type { Range } from "./address";
import { tick } from "./format";
import type { Stroke } from "./palette";
import { COLUMNS_PER_LINE, lastOf, nearest, spreadLabels, yRange, type Columns, type Series } from "./series";

/** A run in the chart. */
export interface Line {
  readonly id: string;
  readonly name: string;
  readonly stroke: Stroke;
  readonly series: Series;
}

/** What the pointer is over: the step, and each line's value near it, greatest first. */
export interface Hover {
  readonly step: number;
  /** Pixels from the chart's left edge. */
  readonly left: number;
  readonly top: number;
  readonly rows: readonly HoverRow[];
}

export interface HoverRow {
  readonly line: Line;
  readonly step: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly near: boolean;
}

export interface ChartOptions {
  /** The lines now: their values may change under a chart, their number and looks may not. */
  lines(): readonly Line[];
  readonly logY: boolean;
  readonly width: number;
  readonly height: number;
  onhover(hover: Hover | null): void;
  onzoom(range: Range | null): void;
}

const LABEL_WIDTH = 116;
const LABEL_HEIGHT = 14;
/** On a narrower chart the labels would eat the lines; the legend below names them. */
export const LABELS_FROM_WIDTH = 640;
const LABELS_MAX = 12;
/** A drag shorter than this was meant as a click. */
const DRAG_MIN_PX = 6;
/** Lines of so few rows show them as dots. */
const DOTS_MAX = 40;
/** Opacity, as two hex digits, of the band between least and greatest value and of its edges. */
const BAND_ALPHA = "30";
const EDGE_ALPHA = "50";
/** Steps are whole numbers, and so are the ticks of their axis. */
const STEP_INCREMENTS = Array.from({ length: 16 }, (_, e) => [1, 2, 5].map((m) => m * 10 ** e)).flat();

/** Builds a chart into a node; the caller destroys it. */
export function createChart(node: HTMLElement, data: Columns, options: ChartOptions): uPlot {
  const css = getComputedStyle(node);
  const token = (name: string) => css.getPropertyValue(name).trim();
  const drawn = options.lines();
  const labels = options.width >= LABELS_FROM_WIDTH && drawn.length <= LABELS_MAX;
  const font = `11px ${token("--font-mono")}`;
  const axis: uPlot.Axis = {
    font,
    stroke: token("--grey-9"),
    grid: { stroke: token("--grey-4"), width: 1 },
    ticks: { stroke: token("--grey-5"), width: 1, size: 4 },
  };
  return new uPlot(
    {
      width: options.width,
      height: options.height,
      padding: [10, labels ? LABEL_WIDTH : 14, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: xRange },
        y: { distr: options.logY ? 3 : 1, range: (_u, min, max) => (options.logY ? logRange(min, max) : yRange(min, max)) },
      },
      axes: [
        { ...axis, size: 30, incrs: STEP_INCREMENTS, values: (_u, ticks) => ticks.map(shortStep) },
        {
          ...axis,
          size: 62,
          space: 36,
          grid: { ...axis.grid, ...(options.logY ? { filter: (_u: uPlot, ticks: number[]) => ticks.map((v) => (isPower(v) ? v : null)) } : {}) },
          values: (_u, ticks) => ticks.map((v: number | null) => (v === null ? "" : tick(v))),
        },
      ],
      cursor: {
        drag: { x: true, y: false, setScale: false },
        focus: { prox: 24 },
        points: { size: 7 },
        dataIdx: (u, series, _index, at) => {
          const i = nearest(u.data[0] as number[], u.data[series] ?? [], at);
          return i < 0 ? (null as unknown as number) : i;
        },
        bind: { dblclick: () => () => (options.onzoom(null), null) },
      },
      focus: { alpha: 0.25 },
      series: [{}, ...drawn.flatMap((line, i) => seriesOf(line, i, token, options))],
      bands: drawn.map((line, i) => ({
        series: [i * COLUMNS_PER_LINE + 3, i * COLUMNS_PER_LINE + 2],
        fill: token(`--series-${line.stroke.colour}`) + BAND_ALPHA,
      })),
      hooks: {
        draw: [(u) => drawOdd(u, options.lines(), token), ...(labels ? [(u: uPlot) => drawLabels(u, options.lines(), token, font)] : [])],
        setCursor: [(u) => options.onhover(hoverOf(u, options.lines()))],
        setSelect: [(u) => zoom(u, options)],
      },
    },
    data as unknown as uPlot.AlignedData,
    node,
  );
}

function seriesOf(line: Line, index: number, token: (name: string) => string, options: ChartOptions): uPlot.Series[] {
  const colour = token(`--series-${line.stroke.colour}`);
  const dots = () => (options.lines()[index]?.series.step.length ?? 0) <= DOTS_MAX;
  // A band of one row is too thin to be seen without its edges: they keep a lone spike visible.
  const edge: uPlot.Series = { stroke: colour + EDGE_ALPHA, width: 1, points: { show: false } };
  return [
    { label: `${index}`, stroke: colour, width: 1.75, dash: [...line.stroke.dash], points: { show: dots, size: 5, fill: colour } },
    edge,
    edge,
  ];
}

/** From the first step to the last; a single step stands in the middle. */
function xRange(u: uPlot, min: number, max: number): [number, number] {
  const x = u.data[0] as number[];
  const first = x[0];
  return x.length === 1 && first !== undefined ? [first - 1, first + 1] : [min, max];
}

const isPower = (v: number) => Number.isInteger(tidy(Math.log10(v)));

/** Whole powers of ten: uPlot's ticks of a logarithmic axis start at its lower end. */
function logRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !(min > 0) || !Number.isFinite(max)) return [0.1, 1];
  const [low, high] = uPlot.rangeLog(min, max, 10, true);
  return [low ?? 0.1, high ?? 1];
}

/** Sums of floats end in noise: 0.30000000000000004. */
const tidy = (v: number) => Number(v.toPrecision(10));

/** A step in an axis: 120k and not 120000. */
export function shortStep(v: number): string {
  const size = Math.abs(v);
  if (size >= 1e9) return `${tidy(v / 1e9)}G`;
  if (size >= 1e6) return `${tidy(v / 1e6)}M`;
  if (size >= 1e4) return `${tidy(v / 1e3)}k`;
  return String(v);
}

function zoom(u: uPlot, options: ChartOptions): void {
  const { left, width } = u.select;
  if (width >= DRAG_MIN_PX) {
    const from = Math.floor(u.posToVal(left, "x"));
    const to = Math.ceil(u.posToVal(left + width, "x"));
    options.onzoom({ from, to });
  }
  if (width > 0) u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}

function hoverOf(u: uPlot, lines: readonly Line[]): Hover | null {
  const { left = -1, top = -1, idxs } = u.cursor;
  if (left < 0 || !idxs) return null;
  const rows: HoverRow[] = [];
  let near: { row: number; distance: number } | null = null;
  lines.forEach((line, i) => {
    const column = i * COLUMNS_PER_LINE + 1;
    const index = idxs[column];
    const mean = index == null ? null : u.data[column]?.[index];
    if (index == null || mean == null) return;
    const row = {
      line,
      step: u.data[0][index] as number,
      mean,
      min: u.data[column + 1]?.[index] ?? mean,
      max: u.data[column + 2]?.[index] ?? mean,
      near: false,
    };
    const distance = Math.abs(u.valToPos(mean, "y") - top);
    if (!near || distance < near.distance) near = { row: rows.length, distance };
    rows.push(row);
  });
  if (rows.length === 0) return null;
  const nearRow = (near as { row: number } | null)?.row;
  const marked = rows.map((row, i) => ({ ...row, near: i === nearRow }));
  marked.sort((a, b) => b.mean - a.mean);
  const plot = u.over;
  return { step: Math.round(u.posToVal(left, "x")), left: plot.offsetLeft + left, top: plot.offsetTop + top, rows: marked };
}

/** Names at the ends of the lines, moved apart where they would meet. */
function drawLabels(u: uPlot, lines: readonly Line[], token: (name: string) => string, font: string): void {
  const ends = lines.flatMap((line, i) => {
    const column = u.data[i * COLUMNS_PER_LINE + 1] ?? [];
    const last = lastOf(column);
    const value = column[last];
    return last < 0 || value == null ? [] : [{ line, y: u.valToPos(value, "y", true) }];
  });
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  const height = LABEL_HEIGHT * ratio;
  const tops = spreadLabels(ends.map((e) => e.y - height / 2), height, bbox.top + bbox.height + height / 2);
  ctx.save();
  ctx.font = font.replace("11px", `${11 * ratio}px`);
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  ends.forEach(({ line }, i) => {
    ctx.fillStyle = token(`--series-${line.stroke.colour}`);
    ctx.fillText(fit(ctx, line.name, (LABEL_WIDTH - 12) * ratio), bbox.left + bbox.width + 8 * ratio, (tops[i] as number) + height / 2);
  });
  ctx.restore();
}

function fit(ctx: CanvasRenderingContext2D, text: string, width: number): string {
  if (ctx.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && ctx.measureText(text.slice(0, end) + "…").width > width) end--;
  return text.slice(0, end) + "…";
}

/** A small cross at the top edge where points were NaN or infinite: a line cannot show them. */
function drawOdd(u: uPlot, lines: readonly Line[], token: (name: string) => string): void {
  const { ctx, bbox } = u;
  const arm = 3 * devicePixelRatio;
  ctx.save();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  for (const line of lines) {
    ctx.strokeStyle = token(`--series-${line.stroke.colour}`);
    ctx.beginPath();
    line.series.odd.forEach((odd, i) => {
      if (odd === 0) return;
      const x = u.valToPos(line.series.step[i] as number, "x", true);
      const y = bbox.top + arm + 1;
      if (x < bbox.left || x > bbox.left + bbox.width) return;
      ctx.moveTo(x - arm, y - arm);
      ctx.lineTo(x + arm, y + arm);
      ctx.moveTo(x + arm, y - arm);
      ctx.lineTo(x - arm, y + arm);
    });
    ctx.stroke();
  }
  ctx.restore();
}
