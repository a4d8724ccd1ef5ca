// How an answer is drawn: which columns, and as what of ECharts.

import type { ChartKind } from "../address";
import { tick } from "../format";
import { cellNumber, cellText, isNumber, isTime, type Result } from "./ask";

/** Points that a picture draws; more are left out, and the page says so. */
export const DRAWN_MAX = 20_000;

export interface Choice {
  readonly over: string;
  readonly of: readonly string[];
}

/** The columns that are drawn: those that were asked for and are there, else the first that fit; null if nothing is a number. */
export function choose(result: Result, over: string | null, of: readonly string[]): Choice | null {
  const names = result.columns.map((c) => c.name);
  const numbers = result.columns.filter((c) => isNumber(c.type)).map((c) => c.name);
  if (numbers.length === 0) return null;
  const x = over !== null && names.includes(over) ? over : (names.find((n) => !numbers.includes(n)) ?? (names[0] as string));
  const wanted = of.filter((n) => numbers.includes(n) && n !== x);
  const y = wanted.length > 0 ? wanted : numbers.filter((n) => n !== x).slice(0, 1);
  return y.length === 0 ? null : { over: x, of: y };
}

/** ECharts' option. Times and numbers have axes of their kind; texts stand side by side. */
export function drawn(result: Result, kind: ChartKind, { over, of }: Choice, token: (name: string) => string): Record<string, unknown> {
  const column = (name: string) => result.columns.findIndex((c) => c.name === name);
  const x = column(over);
  const type = result.columns[x]?.type ?? "String";
  const [time, scale] = [isTime(type), isNumber(type) && kind !== "bar"];
  const rows = result.rows.slice(0, DRAWN_MAX);
  // ClickHouse's times are of UTC and end with fractions of a second, or not.
  const place = (row: Result["rows"][number]) => (time ? Date.parse(`${cellText(row[x] ?? null).replace(" ", "T")}${/:/.test(cellText(row[x] ?? null)) ? "Z" : ""}`) : scale ? cellNumber(row[x] ?? null) : cellText(row[x] ?? null));
  const axis = {
    axisLine: { lineStyle: { color: token("--grey-6") } },
    axisLabel: { color: token("--grey-10"), fontSize: 11 },
    splitLine: { lineStyle: { color: token("--grey-4") } },
  };
  return {
    animation: false,
    textStyle: { fontFamily: token("--font-text") },
    grid: { left: 64, right: 24, top: 16, bottom: 40 },
    legend: of.length > 1 ? { bottom: 0, textStyle: { color: token("--grey-11") } } : undefined,
    xAxis: { ...axis, type: time ? "time" : scale ? "value" : "category", scale: true },
    yAxis: { ...axis, type: "value", scale: kind !== "bar", axisLabel: { ...axis.axisLabel, formatter: tick } },
    // Drawn and not written as HTML: the content policy allows no styles in it.
    tooltip: { trigger: kind === "scatter" ? "item" : "axis", renderMode: "richText", backgroundColor: token("--grey-1"), borderColor: token("--grey-6"), textStyle: { color: token("--grey-12"), fontSize: 12 } },
    series: of.map((name, i) => ({
      name,
      type: kind,
      symbolSize: kind === "scatter" ? 6 : 4,
      showSymbol: rows.length <= 60,
      itemStyle: { color: token(`--series-${i % 10}`) },
      lineStyle: { width: 1.6 },
      data: rows.map((row) => [place(row), cellNumber(row[column(name)] ?? null)]),
    })),
  };
}
