import { expect, test } from "vitest";

import { decodeLine } from "../series";
import { barScale, barsOf } from "./bars";
import { memberOf } from "./groups";
import { runOf } from "./testrun";

const runs = [runOf("a", { params: { lr: "1" } }), runOf("b", { params: { lr: "1" } }), runOf("c", { params: { lr: "2" } }), runOf("none")];
const values: Record<string, (number | string)[]> = { a: [5, 1, 2], b: [9, "NaN", 4], c: ["NaN"] };
const series = (run: string) => {
  const value = values[run];
  if (!value) return undefined;
  const head = { run_id: run, key: "loss", start_time: 0, bucket_width: 0, points_total: value.length, parts: [], as_of: {} };
  return decodeLine({ ...head, step: value.map((_, i) => i), time: value.map((_, i) => i), value });
};
const said = (stat: "last" | "min" | "max", by: string | null) => barsOf(runs.map((r) => memberOf(r, by)), series, stat, "minmax").map((b) => [b.name, b.value, b.low, b.high, b.runs]);

test("a bar a run, the least first, what is no number last, and none for a run without the metric", () => {
  expect(said("last", null)).toEqual([["a", 2, 2, 2, 1], ["b", 4, 4, 4, 1], ["c", NaN, NaN, NaN, 1]]);
  expect(said("min", null).map((b) => b[1])).toEqual([1, 4, NaN]);
  expect(said("max", null).map((b) => b[1])).toEqual([5, 9, NaN]);
});

test("a bar a group with the mean and how far its runs lie apart", () => {
  expect(said("last", "params.lr")).toEqual([["1", 3, 2, 4, 2], ["2", NaN, NaN, NaN, 1]]);
  const [bar] = barsOf(runs.map((r) => memberOf(r, "params.lr")), series, "last", "std");
  expect(bar?.high).toBeCloseTo(3 + Math.SQRT2);
});

test("zero is on the scale", () => {
  const at = (...ends: number[]) => barScale(ends.map((value) => ({ id: "", name: "", stroke: { colour: 0, dash: [] }, value, low: value, high: value, runs: 1 })));
  expect([at(2, 4)(4), at(2, 4)(2), at(-1, 1)(0), at(-4, -2)(0), at()(0)]).toEqual([100, 50, 50, 100, 0]);
});
