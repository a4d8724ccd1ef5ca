// The hash of the page's address holds its whole state, so that a link shows the same view to a colleague.
//
//   #/runs?exp=1,2&filter=metrics.loss < 1&sort=-metrics.loss&cols=params.lr,metrics.loss&tick=ab..,cd..&metric=loss
//   #/runs?exp=1&group=params.lr&stage=deleted, with the columns' fields of runs/layout.ts; tick=* are all that match
//   #/runs/<run id>?metric=loss&x=100:500 (runs/runview.ts)
//   #/compare?exp=1&show=ab..,cd..&search=loss&smooth=0.6 (compare/view.ts)
//   #/models?search=wine
//   #/models/<name>?version=3&against=1,2&base=1&rows=all
//   #/sql?query=SELECT 1&chart=line&over=day&of=runs,failed
//   #/alerts?rule=ab..&edit=ab.., #/alerts?edit=new&exp=3
//   #/lineage?node=run:ab..&direction=up&depth=3&asof=2026-01-31&ended=1&more=down:dataset:wine@1
//
// MLflow's client prints links to its own pages; they open ours:
//
//   #/experiments/1, #/experiments/1/runs/<run id>   and   #/models/<name>/versions/3

import type { Sort } from "./columns";
import { EXPANSIONS_MAX, formatExpansion, parseExpansion, type Expansion } from "./lineage/expand";
import { DIRECTIONS, type LineageAsk } from "./lineage/graph";
import { layoutFields, NO_LAYOUT, parseLayout, type Layout } from "./runs/layout";
import { compareFields, parseCompare, parseRange, type CompareView } from "./compare/view";
import { parseRun, runFields, type RunView } from "./runs/runview";

/** A range of steps, or of another axis, both ends included. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What a chart shows. */
export interface ChartView {
  readonly metric: string | null;
  readonly range: Range | null;
  readonly logY: boolean;
}

/** The table of runs of one experiment or of several, with the chart of the ticked ones. */
export interface RunsView extends Layout {
  readonly page: "runs";
  /** Null: the newest experiment. */
  readonly experiment: string | null;
  /** Further experiments whose runs are shown together with it. */
  readonly others: readonly string[];
  readonly filter: string;
  readonly sort: Sort | null;
  /** Whether the deleted runs are shown in place of the others. */
  readonly deleted: boolean;
  /** `params.KEY`, `tags.KEY` or an attribute: one row for all runs of a value. */
  readonly group: string | null;
  readonly ticked: readonly string[];
  /** All runs that the filter finds are ticked, on whatever page. */
  readonly allTicked: boolean;
  readonly chart: ChartView;
}

export { RUN_TABS, runView, type RunTab, type RunView } from "./runs/runview";

/** The registered models. */
export interface ModelsView {
  readonly page: "models";
  readonly search: string;
}

/** One registered model. */
export interface ModelView {
  readonly page: "model";
  readonly name: string;
  /** The version that is looked at; null: the newest. */
  readonly version: number | null;
  /** Versions that stand side by side, the one that others are compared with, and whether rows that are alike are left out. */
  readonly against: readonly number[];
  readonly baseline: number | null;
  readonly differing: boolean;
}

export const FIRST_MODELS: ModelsView = { page: "models", search: "" };

export function modelView(name: string, version: number | null = null): ModelView {
  return { page: "model", name, version, against: [], baseline: null, differing: true };
}

/** What came of what. */
export interface LineageView extends LineageAsk {
  readonly page: "lineage";
  /** Nodes that show one step more than the walk. */
  readonly expanded: readonly Expansion[];
}

export const FIRST_LINEAGE: LineageView = { page: "lineage", node: "", direction: "both", depth: 4, asOf: "", ended: false, expanded: [] };

export const CHARTS = ["line", "bar", "scatter"] as const;
export type ChartKind = (typeof CHARTS)[number];

/** A statement, and how its answer is drawn. */
export interface SqlPageView {
  readonly page: "sql";
  readonly query: string;
  /** Null: as a table alone. */
  readonly chart: ChartKind | null;
  /** The column of x and those of y; null and none: the first that fit. */
  readonly over: string | null;
  readonly of: readonly string[];
}

export const FIRST_SQL: SqlPageView = { page: "sql", query: "", chart: null, over: null, of: [] };

/** Rules of alerts and what they found. */
export interface AlertsView {
  readonly page: "alerts";
  /** The rule whose history is shown; null: of all. */
  readonly rule: string | null;
  /** The rule that is changed, "new" for one that is made. */
  readonly edit: string | null;
  /** The experiment that a new rule begins with. */
  readonly experiment: string | null;
}

export const FIRST_ALERTS: AlertsView = { page: "alerts", rule: null, edit: null, experiment: null };

export type View = RunsView | RunView | CompareView | ModelsView | ModelView | LineageView | SqlPageView | AlertsView;

export const NO_CHART: ChartView = { metric: null, range: null, logY: false };

export const FIRST_VIEW: RunsView = {
  page: "runs",
  experiment: null,
  others: [],
  filter: "",
  sort: null,
  ...NO_LAYOUT,
  deleted: false,
  group: null,
  ticked: [],
  allTicked: false,
  chart: NO_CHART,
};

/** In the place of ticked runs: all that match. */
const ALL = "*";

/** Reads a hash. What it does not understand it leaves out: an old link still opens. */
export function parseHash(hash: string): View {
  const [path = "", query = ""] = split(hash.replace(/^#/, ""), "?");
  const fields = parseFields(query);
  const chart = parseChart(fields);
  const run = /^(?:\/experiments\/[^/]+)?\/runs\/([^/]+)$/.exec(path)?.[1];
  if (run) return parseRun(decode(run), fields, chart);
  if (path === "/compare") return parseCompare(fields);
  if (path === "/models") return { page: "models", search: fields.get("search")?.[0] ?? "" };
  if (path === "/sql") {
    const chart = CHARTS.find((c) => c === fields.get("chart")?.[0]) ?? null;
    return { page: "sql", query: fields.get("query")?.[0] ?? "", chart, over: fields.get("over")?.[0] ?? null, of: fields.get("of") ?? [] };
  }
  if (path === "/lineage") return parseLineage(fields);
  if (path === "/alerts") return { page: "alerts", rule: fields.get("rule")?.[0] || null, edit: fields.get("edit")?.[0] || null, experiment: fields.get("exp")?.[0] || null };
  const model = /^\/models\/([^/]+)(?:\/versions\/([^/]+))?$/.exec(path);
  if (model?.[1]) {
    const against = (fields.get("against") ?? []).map(parseVersion).filter((v) => v !== null);
    const version = parseVersion(model[2] ?? fields.get("version")?.[0]);
    return { page: "model", name: decode(model[1]), version, against, baseline: parseVersion(fields.get("base")?.[0]), differing: fields.get("rows")?.[0] !== "all" };
  }
  const experiment = /^\/experiments\/([^/]+)$/.exec(path)?.[1];
  return {
    page: "runs",
    experiment: experiment ? decode(experiment) : fields.get("exp")?.[0] || null,
    others: (fields.get("exp") ?? []).slice(1).filter((id) => id !== ""),
    filter: fields.get("filter")?.[0] ?? "",
    sort: parseSort(fields.get("sort")?.[0]),
    ...parseLayout(fields),
    deleted: fields.get("stage")?.[0] === "deleted",
    group: /^(params|tags|attributes)\../s.test(fields.get("group")?.[0] ?? "") ? (fields.get("group")?.[0] as string) : null,
    ticked: (fields.get("tick") ?? []).filter((id) => id !== "" && id !== ALL),
    allTicked: fields.get("tick")?.[0] === ALL,
    chart,
  };
}

/** Writes a hash; parseHash of it gives the view back. */
export function formatHash(view: View): string {
  if (view.page === "compare") return written("/compare", compareFields(view));
  if (view.page === "models") return written("/models", view.search ? [["search", [view.search]]] : []);
  if (view.page === "sql") return written("/sql", sqlFields(view));
  if (view.page === "lineage") return written("/lineage", lineageFields(view));
  if (view.page === "alerts") return written("/alerts", alertsFields(view));
  if (view.page === "model") return written(`/models/${encodeURIComponent(view.name)}`, modelFields(view));
  const fields: [string, readonly string[]][] = [];
  if (view.page === "runs") {
    if (view.experiment) fields.push(["exp", [view.experiment, ...view.others]]);
    if (view.filter) fields.push(["filter", [view.filter]]);
    if (view.sort) fields.push(["sort", [(view.sort.descending ? "-" : "") + view.sort.column]]);
    fields.push(...layoutFields(view));
    if (view.deleted) fields.push(["stage", ["deleted"]]);
    if (view.group) fields.push(["group", [view.group]]);
    if (view.allTicked) fields.push(["tick", [ALL]]);
    else if (view.ticked.length > 0) fields.push(["tick", view.ticked]);
  }
  if (view.page === "run") fields.push(...runFields(view));
  const { metric, range, logY } = view.chart;
  if (metric) fields.push(["metric", [metric]]);
  if (range) fields.push(["x", [`${range.from}:${range.to}`]]);
  if (logY) fields.push(["log", ["y"]]);
  return written(view.page === "run" ? `/runs/${encodeURIComponent(view.run)}` : "/runs", fields);
}

function modelFields({ version, against, baseline, differing }: ModelView): [string, readonly string[]][] {
  const fields: [string, readonly string[]][] = [];
  if (version !== null) fields.push(["version", [String(version)]]);
  if (against.length > 0) fields.push(["against", against.map(String)]);
  if (baseline !== null) fields.push(["base", [String(baseline)]]);
  if (!differing) fields.push(["rows", ["all"]]);
  return fields;
}

function sqlFields({ query, chart, over, of }: SqlPageView): [string, readonly string[]][] {
  const fields: [string, readonly string[]][] = [];
  if (query) fields.push(["query", [query]]);
  if (chart) fields.push(["chart", [chart]]);
  if (over !== null) fields.push(["over", [over]]);
  if (of.length > 0) fields.push(["of", of]);
  return fields;
}

function alertsFields({ rule, edit, experiment }: AlertsView): [string, readonly string[]][] {
  return [["rule", rule], ["edit", edit], ["exp", experiment]].flatMap(([name, value]): [string, readonly string[]][] => (name && value ? [[name, [value]]] : []));
}

/** As many steps away as the server looks. */
const DEPTH_MAX = 20;

function parseLineage(fields: Map<string, string[]>): LineageView {
  const depth = Number(fields.get("depth")?.[0]);
  return {
    page: "lineage",
    node: fields.get("node")?.[0] ?? "",
    direction: DIRECTIONS.find((d) => d === fields.get("direction")?.[0]) ?? FIRST_LINEAGE.direction,
    depth: Number.isInteger(depth) && depth >= 1 && depth <= DEPTH_MAX ? depth : FIRST_LINEAGE.depth,
    asOf: fields.get("asof")?.[0] ?? "",
    ended: fields.get("ended")?.[0] === "1",
    expanded: (fields.get("more") ?? []).map(parseExpansion).filter((e) => e !== null).slice(0, EXPANSIONS_MAX),
  };
}

function lineageFields({ node, direction, depth, asOf, ended, expanded }: LineageView): [string, readonly string[]][] {
  const fields: [string, readonly string[]][] = [];
  if (node) fields.push(["node", [node]]);
  if (direction !== FIRST_LINEAGE.direction) fields.push(["direction", [direction]]);
  if (depth !== FIRST_LINEAGE.depth) fields.push(["depth", [String(depth)]]);
  if (asOf) fields.push(["asof", [asOf]]);
  if (ended) fields.push(["ended", ["1"]]);
  if (expanded.length > 0) fields.push(["more", expanded.map(formatExpansion)]);
  return fields;
}

function parseVersion(text: string | undefined): number | null {
  return text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null;
}

function written(path: string, fields: readonly [string, readonly string[]][]): string {
  const query = fields.map(([name, values]) => `${name}=${values.map(encodeURIComponent).join(",")}`).join("&");
  return query === "" ? `#${path}` : `#${path}?${query}`;
}

function parseChart(fields: Map<string, string[]>): ChartView {
  return {
    metric: fields.get("metric")?.[0] || null,
    range: parseRange(fields.get("x")?.[0] ?? null),
    logY: fields.get("log")?.[0] === "y",
  };
}

function parseSort(text: string | undefined): Sort | null {
  if (!text) return null;
  const descending = text.startsWith("-");
  const column = descending ? text.slice(1) : text;
  return column === "" ? null : { column, descending };
}

/** Values are parted by commas before they are decoded, so a comma inside a value survives. */
function parseFields(query: string): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const part of query.split("&")) {
    const [name, value] = split(part, "=");
    if (name && value !== undefined) fields.set(name, value === "" ? [] : value.split(",").map(decode));
  }
  return fields;
}

function split(text: string, at: string): [string, string?] {
  const i = text.indexOf(at);
  return i < 0 ? [text] : [text.slice(0, i), text.slice(i + at.length)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A broken escape, as from a link cut short: shown as it stands.
    return text;
  }
}
