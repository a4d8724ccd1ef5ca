import { expect, test } from "vitest";

import { brushed, dimension, firstDimensions, formatBrush, formatScale, parseBrush, parseScale } from "./explore";
import { runOf } from "./testrun";

const runs = [
  runOf("a", { params: { lr: "0.001", opt: "sgd", same: "x" }, metrics: { loss: 2 } }),
  runOf("b", { params: { lr: "0.1", opt: "adam", same: "x" }, metrics: { loss: NaN } }),
  runOf("c", { params: { lr: "1", same: "x" }, metrics: { loss: 0.5 } }),
];
const lr = dimension(runs, { kind: "params", key: "lr" });
const opt = dimension(runs, { kind: "params", key: "opt" });
const loss = dimension(runs, { kind: "metrics", key: "loss" });

test("numbers are numbers, over many powers of ten by their logarithm", () => {
  expect([lr.values, lr.words, lr.log]).toEqual([[0.001, 0.1, 1], null, true]);
  expect([loss.values, loss.log]).toEqual([[2, null, 0.5], false]);
});

test("a metric is linear until a reader asks, and nothing that is not positive is by its logarithm", () => {
  const many = [0.001, 0.5, 0.99, 1].map((accuracy, i) => runOf(String(i), { metrics: { accuracy, change: accuracy - 0.5 } }));
  const of = (key: string, ...scales: string[]) => dimension(many, { kind: "metrics", key }, new Map(scales.flatMap((s) => [parseScale(s)].filter((p) => p !== null))));
  expect([of("accuracy").log, of("accuracy").positive]).toEqual([false, true]);
  expect(of("accuracy", "log:metrics.accuracy").log).toBe(true);
  expect([of("change", "log:metrics.change").log, of("change").positive]).toEqual([false, false]);
  expect(dimension(runs, { kind: "params", key: "lr" }, new Map([["params.lr", false]])).log).toBe(false);
  expect(formatScale(parseScale("linear:params.a:b") ?? ["", true])).toBe("linear:params.a:b");
});

test("texts are places in their order; what a run has not is none", () => {
  expect([opt.words, opt.values]).toEqual([["adam", "sgd"], [1, 0, null]]);
});

test("at first stands what differs, and the metric that is meant", () => {
  expect(firstDimensions(runs)).toEqual([
    { kind: "params", key: "lr" },
    { kind: "params", key: "opt" },
    { kind: "metrics", key: "loss" },
  ]);
});

test("runs in all marked parts are chosen", () => {
  const of = (...texts: string[]) => brushed([lr, opt, loss], texts.flatMap((t) => parseBrush(t) ?? []), runs).map((r) => r.id);
  expect(of()).toEqual(["a", "b", "c"]);
  expect(of("params.lr:0.05:2")).toEqual(["b", "c"]);
  expect(of("params.lr:0.05:2", "metrics.loss:0:1")).toEqual(["c"]);
  expect(of("params.gone:0:1")).toEqual(["a", "b", "c"]);
});

test("a marked part survives the address, whatever its column is called", () => {
  const brush = { column: "params.a:b", from: -1, to: 2.5 };
  expect(parseBrush(formatBrush(brush))).toEqual(brush);
  expect(parseBrush("params.x:2:1")).toBeNull();
  expect(parseBrush("params.x")).toBeNull();
});
