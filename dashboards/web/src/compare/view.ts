// The state of the compare workspace, and its fields in the address. Pure.
//
//   #/compare?exp=1,2&show=<run>,<run>&search=loss&axis=relative&smooth=0.6&log=y&outliers=off&x=0:5000&group=params.lr&full=loss

import type { Range } from "../address";
import { columnName, parseColumn, type Column } from "../columns";
import type { XAxis } from "../plot/curves";
import { STATS, type Stat } from "./bars";
import { formatBrush, formatScale, parseBrush, parseScale, type Brush, type Scales } from "./explore";
import { formatSize, parseSize, PLAIN_LAYOUT, type Layout } from "./layout";

export const TABS = ["charts", "bars", "media", "parallel", "scatter", "importance", "diff"] as const;
export type Tab = (typeof TABS)[number];
export type Band = "minmax" | "std";

export interface CompareView {
  readonly page: "compare";
  /** Null: the newest experiment. */
  readonly experiment: string | null;
  /** Further experiments whose runs are compared with its. */
  readonly others: readonly string[];
  /** Of the list of runs, in MLflow's grammar. */
  readonly filter: string;
  /** Runs whose eye is open; null: the first of the list. */
  readonly shown: readonly string[] | null;
  /** Whether the list of runs is there. */
  readonly list: boolean;
  readonly tab: Tab;
  /** Which panels are shown. */
  readonly search: string;
  readonly x: XAxis;
  /** On the x axis: steps, milliseconds, or values of a metric. */
  readonly range: Range | null;
  readonly logX: boolean;
  readonly logY: boolean;
  /** 0 to 0.999. */
  readonly smoothing: number;
  /** Outliers are left out of the range of y. */
  readonly inner: boolean;
  /** Least to greatest as a band behind each line. */
  readonly shade: boolean;
  /** `params.KEY` or `tags.KEY`: one line for all runs of a value. */
  readonly group: string | null;
  readonly band: Band;
  readonly layout: Layout;
  /** Which value of a metric a bar shows. */
  readonly stat: Stat;
  /** The step of media; null: the newest. */
  readonly step: number | null;
  /** Sections that a reader opened, `+name`, or closed, `-name`. */
  readonly turned: readonly string[];
  /** The metric whose panel fills the page. */
  readonly full: string | null;
  /** Of the diff: the run that others are compared with, and whether rows that are alike are left out. */
  readonly baseline: string | null;
  readonly differing: boolean;
  /** The axes of parallel coordinates; null: chosen by the page. */
  readonly dimensions: readonly Column[] | null;
  /** What is marked on them. */
  readonly brushes: readonly Brush[];
  /** Which axes of parallel coordinates and of the scatter plot are logarithmic; the page chooses of the others. */
  readonly scales: Scales;
  /** The axes of the scatter plot, x and y; null: chosen by the page. */
  readonly scatter: readonly Column[] | null;
  /** The metric whose dependence is shown; null: chosen by the page. */
  readonly goal: string | null;
}

export const SMOOTHING_MAX = 0.999;

export const FIRST_COMPARE: CompareView = {
  page: "compare",
  experiment: null,
  others: [],
  filter: "",
  shown: null,
  list: true,
  tab: "charts",
  search: "",
  x: "step",
  range: null,
  logX: false,
  logY: false,
  smoothing: 0,
  inner: false,
  shade: true,
  group: null,
  band: "minmax",
  layout: PLAIN_LAYOUT,
  stat: "last",
  step: null,
  turned: [],
  full: null,
  baseline: null,
  differing: true,
  dimensions: null,
  brushes: [],
  scales: new Map(),
  scatter: null,
  goal: null,
};

export type Fields = ReadonlyMap<string, readonly string[]>;

export function parseCompare(fields: Fields): CompareView {
  const first = (name: string) => fields.get(name)?.[0] || null;
  const log = fields.get("log") ?? [];
  return {
    page: "compare",
    experiment: first("exp"),
    others: [...new Set((fields.get("exp") ?? []).slice(1).filter((id) => id !== "" && id !== first("exp")))],
    filter: first("filter") ?? "",
    shown: fields.has("show") ? (fields.get("show") ?? []).filter((id) => id !== "") : null,
    list: first("list") !== "off",
    tab: TABS.find((t) => t === first("tab")) ?? "charts",
    search: first("search") ?? "",
    x: parseAxis(first("axis")),
    range: parseRange(first("x")),
    logX: log.includes("x"),
    logY: log.includes("y"),
    smoothing: parseSmoothing(first("smooth")),
    inner: first("outliers") === "off",
    shade: first("shade") !== "off",
    group: parseGroup(first("group")),
    band: first("band") === "std" ? "std" : "minmax",
    layout: parseLayout(fields),
    stat: STATS.find((s) => s === first("stat")) ?? "last",
    step: parseStep(first("step")),
    turned: fields.get("turned") ?? [],
    full: first("full"),
    baseline: first("base"),
    differing: first("rows") !== "all",
    dimensions: parseColumns(fields.get("dims")),
    brushes: (fields.get("brush") ?? []).flatMap((text) => parseBrush(text) ?? []),
    scales: new Map((fields.get("scale") ?? []).map(parseScale).filter((s) => s !== null)),
    scatter: parseColumns(fields.get("scatter")),
    goal: first("goal"),
  };
}

/** What is as at first is left out: links stay short. */
export function compareFields(v: CompareView): [string, readonly string[]][] {
  const log = [...(v.logX ? ["x"] : []), ...(v.logY ? ["y"] : [])];
  const fields: [string, readonly string[] | null][] = [
    ["exp", v.experiment ? [v.experiment, ...v.others] : null],
    ["filter", v.filter ? [v.filter] : null],
    ["show", v.shown],
    ["list", v.list ? null : ["off"]],
    ["tab", v.tab === "charts" ? null : [v.tab]],
    ["search", v.search ? [v.search] : null],
    ["axis", v.x === "step" ? null : [typeof v.x === "string" ? v.x : `metric:${v.x.metric}`]],
    ["x", v.range ? [`${v.range.from}:${v.range.to}`] : null],
    ["log", log.length > 0 ? log : null],
    ["smooth", v.smoothing > 0 ? [String(v.smoothing)] : null],
    ["outliers", v.inner ? ["off"] : null],
    ["shade", v.shade ? null : ["off"]],
    ["group", v.group ? [v.group] : null],
    ["band", v.band === "minmax" ? null : [v.band]],
    ["pin", some(v.layout.pins)],
    ["hide", some(v.layout.hidden)],
    ["order", some(v.layout.order)],
    ["size", some([...v.layout.sizes].map(formatSize))],
    ["stat", v.stat === "last" ? null : [v.stat]],
    ["step", v.step === null ? null : [String(v.step)]],
    ["turned", v.turned.length > 0 ? v.turned : null],
    ["full", v.full ? [v.full] : null],
    ["base", v.baseline ? [v.baseline] : null],
    ["rows", v.differing ? null : ["all"]],
    ["dims", v.dimensions?.map(columnName) ?? null],
    ["brush", v.brushes.length > 0 ? v.brushes.map(formatBrush) : null],
    ["scale", some([...v.scales].map(formatScale))],
    ["scatter", v.scatter?.map(columnName) ?? null],
    ["goal", v.goal ? [v.goal] : null],
  ];
  return fields.flatMap(([name, values]) => (values === null ? [] : [[name, values] as [string, readonly string[]]]));
}

const some = (values: readonly string[]) => (values.length > 0 ? values : null);

function parseLayout(fields: Fields): Layout {
  const keys = (name: string) => [...new Set((fields.get(name) ?? []).filter((key) => key !== ""))];
  const sizes = new Map((fields.get("size") ?? []).map(parseSize).filter((s) => s !== null));
  const hidden = keys("hide");
  return { pins: keys("pin").filter((key) => !hidden.includes(key)), hidden, order: keys("order"), sizes };
}

function parseStep(text: string | null): number | null {
  return text !== null && /^-?\d{1,16}$/.test(text) ? Number(text) : null;
}

function parseAxis(text: string | null): XAxis {
  const metric = /^metric:(.+)$/s.exec(text ?? "")?.[1];
  if (metric !== undefined) return { metric };
  return text === "relative" || text === "time" ? text : "step";
}

/** `100:500`; both ends are in it. */
export function parseRange(text: string | null): Range | null {
  const ends = (text ?? "").split(":");
  const [from, to] = ends.map((end) => (end.trim() === "" ? NaN : Number(end)));
  return ends.length === 2 && Number.isFinite(from) && Number.isFinite(to) && (from as number) <= (to as number)
    ? { from: from as number, to: to as number }
    : null;
}

function parseColumns(texts: readonly string[] | undefined): readonly Column[] | null {
  return texts?.map(parseColumn).filter((c) => c !== null) ?? null;
}

function parseSmoothing(text: string | null): number {
  const weight = Number(text ?? 0);
  return Number.isFinite(weight) ? Math.min(Math.max(weight, 0), SMOOTHING_MAX) : 0;
}

function parseGroup(text: string | null): string | null {
  return text !== null && /^(params|tags)\../s.test(text) ? text : null;
}
