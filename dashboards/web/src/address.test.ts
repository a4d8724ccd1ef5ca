import { expect, test } from "vitest";

import { FIRST_COMPARE, type CompareView } from "./compare/view";
import { FIRST_LINEAGE, FIRST_SQL, FIRST_MODELS, FIRST_VIEW, formatHash, modelView, NO_CHART, parseHash, runView, type View } from "./address";

const full: View = {
  page: "runs",
  experiment: "12",
  filter: "metrics.`a b` < 1 and params.x = 'p&q=r,s#%?'",
  sort: { column: "metrics.val/loss", descending: true },
  columns: [
    { kind: "params", key: "batch size" },
    { kind: "metrics", key: "a,b", show: "min", line: true },
    { kind: "attributes", key: "created" },
    { kind: "tags", key: "team" },
  ],
  others: ["3", "4"],
  pinned: ["min.a,b"],
  widths: new Map([["name", 300], ["params.a:b", 90]]),
  deleted: true,
  group: "params.batch size",
  allTicked: false,
  ticked: ["0123", "4567"],
  chart: { metric: "train/loss&x", range: { from: -5, to: 1000 }, logY: true },
};

const compared: CompareView = {
  page: "compare",
  experiment: "3",
  others: [],
  filter: "params.`a,b` = 'x&y'",
  shown: ["0123", "4567"],
  list: false,
  tab: "diff",
  search: "/^train|a,b/",
  x: { metric: "tokens:seen,é" },
  range: { from: -0.5, to: 1e9 },
  logX: true,
  logY: true,
  smoothing: 0.6,
  inner: true,
  shade: false,
  group: "params.batch size",
  band: "std",
  layout: { pins: ["a,b", "train/loss"], hidden: ["x:y"], order: ["val/b", "val/a"], sizes: new Map([["a:1x1,é", { columns: 2, rows: 3 }]]) },
  stat: "max",
  step: -7,
  turned: ["-val", "+a,b"],
  full: "train/loss",
  baseline: "0123",
  differing: false,
  dimensions: [
    { kind: "params", key: "a:b,c" },
    { kind: "metrics", key: "loss" },
  ],
  brushes: [{ column: "params.a:b,c", from: -0.5, to: 1e-7 }],
  scales: new Map(),
  scatter: [
    { kind: "params", key: "lr" },
    { kind: "metrics", key: "val/loss" },
  ],
  goal: "val/loss",
};

test.each<[string, View]>([
  ["a full workspace", compared],
  ["the first workspace", FIRST_COMPARE],
  ["a workspace of several experiments", { ...FIRST_COMPARE, experiment: "5", others: ["7", "9"] }],
  ["a workspace with axes of its own", { ...FIRST_COMPARE, scales: new Map([["metrics.loss", true], ["params.a,b:c", false]]) }],
  ["a workspace without runs", { ...FIRST_COMPARE, shown: [] }],
  ["a full view of runs", full],
  ["the first view", FIRST_VIEW],
  ["no columns at all", { ...FIRST_VIEW, columns: [] }],
  ["the models", { ...FIRST_MODELS, search: "wine & 'cheese'" }],
  ["a model of a strange name", { ...modelView("a/b?c=é#%", 3), against: [1, 2] }],
  ["versions of a model beside a baseline", { ...modelView("wine"), against: [1, 2], baseline: 2, differing: false }],
  ["the lineage of a dataset", { ...FIRST_LINEAGE, node: "dataset:a,b@é&#", direction: "up", depth: 7, asOf: "2026-01-31", ended: true, expanded: [{ way: "down", node: "dataset:a,b@é&#" }, { way: "up", node: "run:1" }] }],
  ["a statement", { ...FIRST_SQL, query: "SELECT a,\n'%&#=' AS b -- é", chart: "bar", over: "a,b", of: ["x", "y,z"] }],
  ["a run", runView("abc", "loss")],
  ["a run's trace", { ...runView("abc"), tab: "traces", trace: "tr-1,2&3", span: "a+/=", traces: "eyJ+/=" }],
  ["a run's artifact", { ...runView("abc"), artifact: "plots/a <b>,&?#.png" }],
  ["a run's artifacts", { ...runView("abc"), tab: "artifacts", artifact: "a.json", plain: true }],
  ["a run's charts", { ...runView("abc"), tab: "charts", panels: { ...FIRST_COMPARE, search: "a,b", x: "time", range: { from: 1, to: 2 }, smoothing: 0.5, full: "loss" } }],
  ["a run's machine", { ...runView("abc", "loss"), tab: "system", machine: { ...FIRST_COMPARE, x: "step", turned: ["-GPU"] } }],
  ["a machine on the axis of a metric", { ...runView("abc"), tab: "system", machine: { ...FIRST_COMPARE, x: { metric: "a:b" } } }],
  ["a run's lines", { ...runView("abc"), tab: "logs", lines: { find: "NaN, &", stream: "stderr", bars: true } }],
  ["a run's rank", { ...runView("abc"), tab: "ranks", rank: 12 }],
])("%s survives the address", (_name, view) => expect(parseHash(formatHash(view))).toEqual(view));

test.each([
  ["", FIRST_VIEW],
  ["#", FIRST_VIEW],
  ["#/nonsense?x=1", FIRST_VIEW],
  ["#/runs?exp=&cols=weird.key", { ...FIRST_VIEW, columns: (["state", "created", "duration"] as const).map((key) => ({ kind: "attributes", key })) }],
  ["#/runs?x=9:1&sort=-", FIRST_VIEW],
  ["#/compare?smooth=7&axis=moon&x=5:1&group=metrics.x&tab=no", { ...FIRST_COMPARE, smoothing: 0.999 }],
  ["#/compare?x=:&smooth=x", FIRST_COMPARE],
  ["#/compare?exp=5,7,,5,7", { ...FIRST_COMPARE, experiment: "5", others: ["7"] }],
  ["#/runs?filter=%E0%A4%A", { ...FIRST_VIEW, filter: "%E0%A4%A" }],
])("%j opens what can be understood", (hash, view) => expect(parseHash(hash)).toEqual(view));

test("a link stays readable", () => {
  expect(formatHash({ ...FIRST_VIEW, experiment: "1", ticked: ["a", "b"], chart: { ...NO_CHART, metric: "loss" } })).toBe(
    "#/runs?exp=1&tick=a,b&metric=loss",
  );
});

test("a link to a workspace is as short as its view is plain", () => {
  expect(formatHash({ ...FIRST_COMPARE, experiment: "1", shown: ["a", "b"], smoothing: 0.6 })).toBe("#/compare?exp=1&show=a,b&smooth=0.6");
});

test("the links that MLflow's client prints open the run and the experiment", () => {
  expect(parseHash("#/experiments/12/runs/ab12")).toMatchObject({ page: "run", run: "ab12" });
  expect(parseHash("#/experiments/12")).toMatchObject({ page: "runs", experiment: "12" });
});

test("MLflow's links to a version open it, and a broken number is left out", () => {
  expect(parseHash("#/models/red%20wine/versions/12")).toEqual(modelView("red wine", 12));
  expect(parseHash("#/models/wine?version=x&against=1,-2,y&base=0&rows=some")).toEqual({ ...modelView("wine"), against: [1] });
});

test("a link to an artifact opens its tab", () => {
  expect(parseHash("#/runs/ab12?artifact=a.json")).toMatchObject({ tab: "artifacts", artifact: "a.json" });
});

test("a new alert begins with the experiment that the address names, and with none else", () => {
  expect(parseHash("#/alerts?edit=new&exp=3")).toMatchObject({ page: "alerts", edit: "new", experiment: "3" });
  expect(formatHash({ page: "alerts", rule: null, edit: "new", experiment: "3" })).toBe("#/alerts?edit=new&exp=3");
  expect(parseHash("#/alerts?edit=new")).toMatchObject({ experiment: null });
});
