// Panels of curves, points, bars and colours, drawn by ECharts.

import { init, type EChartsCoreOption } from "echarts";

import { seriesName, type Field } from "./frames";
import { configOf, type Panel } from "./panel";
import { fieldsIn, nothing } from "./texts";
import { said } from "./units";

const PALETTE = ["#56a64b", "#c9a100", "#3274d9", "#e0752d", "#e02f44", "#8f3bb8", "#1f9cb8", "#a4506c", "#6d1f62", "#584477", "#447ebc", "#0a437c"];
const HEAT = ["#fff5eb", "#fdd0a2", "#fd8d3c", "#d94801", "#7f2704"];
const LABEL = { color: "#4f5661", fontSize: 11 };
const LEGEND_MAX = 6;

interface Range {
  readonly from: number;
  readonly to: number;
}

function put(into: HTMLElement, option: EChartsCoreOption): void {
  init(into, null, { renderer: "canvas" }).setOption({ animation: false, color: PALETTE, ...option });
}

const numeric = (fields: readonly Field[], x: Field) => fields.filter((f) => f !== x && f.kind === "number");
const grid = (bottom: number) => ({ left: 8, right: 14, top: 10, bottom, containLabel: true });

function valueAxis(unit: string | undefined, scale = true) {
  return { type: "value", scale, axisLabel: { ...LABEL, formatter: (v: number) => said(v, "number", unit) }, splitLine: { lineStyle: { color: "#e8eaed" } }, splitNumber: 4 };
}

/** How high the legend is: ECharts breaks its lines, but does not tell. */
function legendPx(names: readonly string[], width: number): number {
  let [rows, x] = [1, 0];
  for (const name of names.slice(0, LEGEND_MAX)) {
    const px = name.length * 6 + 36;
    if (x + px > width && x > 0) [rows, x] = [rows + 1, 0];
    x += px;
  }
  return rows * 16;
}

function legend(names: readonly string[]) {
  const shown = names.slice(0, LEGEND_MAX);
  return { data: shown, bottom: 0, left: 4, type: "plain", icon: "roundRect", itemWidth: 14, itemHeight: 3, textStyle: LABEL, show: true };
}

/** Curves over time, or over the number that the panel names. */
export function curves(panel: Panel, into: HTMLElement, range: Range): void {
  const fields = fieldsIn(panel);
  const overTime = panel.type === "timeseries";
  const x = overTime ? fields.find((f) => f.kind === "time") : fields.find((f) => f.name === panel.options["xField"]);
  if (!x?.values.length) return nothing(panel, into);
  const shown = numeric(fields, x);
  const custom = panel.fieldConfig.defaults.custom ?? {};
  const stacked = custom["stacking"] !== undefined;
  const names = shown.map((f) => seriesName(f, configOf(panel, f.name).displayName));
  const series = custom["drawStyle"] === "bars" ? bars(shown, names, x) : shown.flatMap((f, i) => curve(panel, shown, f, names[i] ?? "", x));
  const xAxis = { type: overTime ? "time" : "value", axisLabel: { ...LABEL, hideOverlap: true }, splitLine: { show: true, lineStyle: { color: "#f0f1f3" } } };
  put(into, {
    grid: grid(14 + legendPx(names, into.clientWidth)),
    legend: legend(names),
    xAxis: overTime ? { ...xAxis, min: range.from * 1000, max: range.to * 1000 } : { ...xAxis, scale: true },
    yAxis: valueAxis(panel.fieldConfig.defaults.unit, !stacked),
    series,
  });
}

function points(x: Field, f: Field) {
  return x.values.map((v, i) => [v, f.values[i]] as const).filter(([, y]) => y !== null);
}

function bars(shown: readonly Field[], names: readonly string[], x: Field) {
  // Stacking goes by place, so that a time without a value is to be there too.
  return shown.map((f, i) => ({ type: "bar", stack: "all", name: names[i], data: x.values.map((v, at) => [v, f.values[at] ?? "-"]), barMinWidth: 3, barMaxWidth: 40 }));
}

/** A curve; where the space below it is filled down to another one, a band of two stacked lines. */
function curve(panel: Panel, all: readonly Field[], f: Field, name: string, x: Field) {
  const custom = configOf(panel, f.name).custom ?? {};
  const line = { type: "line", name, data: points(x, f), showSymbol: f.values.length < 3, symbolSize: 4, lineStyle: { width: Number(custom["lineWidth"] ?? 1) * 1.3 } };
  const below = all.find((other) => other.name === custom["fillBelowTo"]);
  if (!below) return [line];
  const space = x.values.map((v, i) => [v, Number(f.values[i]) - Number(below.values[i])]);
  const hidden = { type: "line", stack: name, showSymbol: false, lineStyle: { width: 0 }, silent: true };
  return [line, { ...hidden, data: points(x, below) }, { ...hidden, data: space, areaStyle: { opacity: Number(custom["fillOpacity"]) / 100, color: PALETTE[all.indexOf(f)] } }];
}

/** The first series of an XY chart with mapping by hand. */
export function scatter(panel: Panel, into: HTMLElement): void {
  const fields = fieldsIn(panel);
  const [series] = panel.options["series"] as { x: { matcher: { options: string } }; y: { matcher: { options: string } } }[];
  const [x, y] = [series?.x, series?.y].map((by) => fields.find((f) => f.name === by?.matcher.options));
  if (!x?.values.length || !y) return nothing(panel, into);
  const title = (f: Field, gap: number) => ({ name: configOf(panel, f.name).displayName ?? f.name, nameLocation: "middle", nameGap: gap, nameTextStyle: LABEL });
  put(into, {
    grid: { left: 34, right: 20, top: 14, bottom: 34, containLabel: true },
    xAxis: { ...valueAxis(configOf(panel, x.name).unit), ...title(x, 24) },
    yAxis: { ...valueAxis(configOf(panel, y.name).unit), ...title(y, 44) },
    series: [{ type: "scatter", symbolSize: 8, data: points(x, y) }],
  });
}

export function barChart(panel: Panel, into: HTMLElement): void {
  const fields = fieldsIn(panel);
  const name = fields.find((f) => f.name === panel.options["xField"]);
  if (!name?.values.length) return nothing(panel, into);
  put(into, {
    grid: grid(10),
    xAxis: valueAxis(panel.fieldConfig.defaults.unit, false),
    yAxis: { type: "category", inverse: true, data: name.values, axisLabel: LABEL },
    series: numeric(fields, name).map((f) => ({ type: "bar", data: f.values, barMaxWidth: 46, label: { show: true, position: "right", ...LABEL } })),
  });
}

/** A row a field, from below; a column a time. */
export function heat(panel: Panel, into: HTMLElement, range: Range): void {
  const fields = fieldsIn(panel);
  const x = fields.find((f) => f.kind === "time");
  if (!x?.values.length) return nothing(panel, into);
  const shown = numeric(fields, x);
  const low = (panel.options["filterValues"] as { le?: number } | undefined)?.le ?? -Infinity;
  const times = x.values.map(Number);
  const width = Math.min(...times.slice(1).map((t, i) => t - (times[i] ?? 0)), (range.to - range.from) * 1000);
  const columns = Math.round(((times.at(-1) ?? 0) - (times[0] ?? 0)) / width) + 1;
  const cells = shown.flatMap((f, y) => f.values.flatMap((v, i) => (v === null || Number(v) <= low ? [] : [[Math.round(((times[i] ?? 0) - (times[0] ?? 0)) / width), y, v]])));
  const values = cells.map(([, , v]) => Number(v));
  put(into, {
    grid: { left: 8, right: 70, top: 10, bottom: 8, containLabel: true },
    xAxis: { type: "category", data: Array.from({ length: columns }, (_, i) => said((times[0] ?? 0) + i * width, "time").slice(11)), axisLabel: LABEL },
    yAxis: { type: "category", data: shown.map((f) => seriesName(f)), axisLabel: LABEL },
    visualMap: { min: Math.min(...values), max: Math.max(...values), inRange: { color: HEAT }, right: 0, top: "middle", itemHeight: 110, itemWidth: 12, calculable: false, text: [said(Math.max(...values), "number"), said(Math.min(...values), "number")], textStyle: LABEL },
    series: [{ type: "heatmap", data: cells, itemStyle: { borderColor: "#ffffff", borderWidth: 1 } }],
  });
}
