import { expect, test } from "vitest";

import { PLAIN_LOOKS } from "../plot/curves";
import { decodeLine, type Series } from "../series";
import { differing, groupings, lineID, memberOf, panelCurves, strokesOf } from "./groups";
import { runOf } from "./testrun";

const runs = [
  runOf("a", { params: { lr: "0.1", seed: "1", same: "x" }, tags: { team: "red", "mlflow.user": "u" } }),
  runOf("b", { params: { lr: "0.1", seed: "2", same: "x" }, tags: { team: "blue" }, running: true }),
  runOf("c", { params: { seed: "3", same: "x" } }),
];
const looks = { ...PLAIN_LOOKS, band: "minmax" as const };

const series = (run: string, values: number[]): Series =>
  decodeLine({
    ...{ run_id: run, key: "loss", start_time: 0, bucket_width: 0, points_total: values.length, parts: [], as_of: {} },
    ...{ step: values.map((_, i) => i), time: values.map((_, i) => i * 100), value: values },
  });
const read = (of: Record<string, number[]>) => (run: string) => ({ y: of[run] ? series(run, of[run]) : undefined, along: null });

test("runs are drawn by themselves, or as one line a value", () => {
  const single = runs.map((r) => memberOf(r, null));
  expect(panelCurves(single, looks, read({ a: [1], c: [2] })).map((c) => [c.id, c.name, c.y])).toEqual([["a", "a", [1]], ["c", "c", [2]]]);
  const grouped = runs.map((r) => memberOf(r, "params.lr"));
  const curves = panelCurves(grouped, looks, read({ a: [1, 1], b: [3, 5], c: [9] }));
  expect(curves.map((c) => [c.name, c.y, c.low, c.high])).toEqual([["0.1", [2, 3], [1, 1], [3, 5]], ["none", [9], [9], [9]]]);
  expect(grouped.map(lineID)).toEqual(["group 0.1", "group 0.1", "group none"]);
});

test("a group's mean is taken before the logarithm leaves values out, and is smoothed after", () => {
  const members = runs.slice(0, 2).map((r) => memberOf(r, "params.lr"));
  const [curve] = panelCurves(members, { ...looks, logY: true, smoothing: 0.9 }, read({ a: [-1, 1, 1], b: [3, 1, 1] }));
  expect(curve?.raw).toEqual([1, 1, 1]);
});

test("a run's colour does not change with what it is drawn beside, unless they would share one", () => {
  const [a, b] = runs.map((r) => memberOf(r, null));
  if (!a || !b) throw new Error("no members");
  expect(strokesOf([a]).get("a")).toEqual(strokesOf([b, a]).get("a"));
});

test("grouping is offered by what some runs share", () => {
  expect(groupings(runs)).toEqual(["params.lr", "params.same", "tags.team"]);
});

test("the params that differ are the ones that tell runs apart", () => expect(differing(runs, 5)).toEqual(["lr", "seed"]));
