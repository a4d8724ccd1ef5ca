import { expect, test } from "vitest";

import type { Run } from "./api";
import { available, byDuration, defaultColumns, isNumberColumn, nextSort, orderBy, quoteKey, rankedMetrics, withSorted } from "./columns";

function run(id: string, params: Record<string, string>, metrics: readonly string[], start = 0, end: number | null = null): Run {
  return {
    id,
    name: id,
    experiment: "0",
    user: "",
    status: "RUNNING",
    start,
    end,
    deleted: false,
    artifactURI: "",
    params: new Map(Object.entries(params)),
    tags: new Map(),
    metrics: new Map(metrics.map((key) => [key, { value: 1, step: 0, time: 0 }])),
    datasets: [],
    models: [],
  };
}

test.each([
  [null, "attributes.start_time DESC"],
  [{ column: "name", descending: false }, "attributes.run_name ASC"],
  [{ column: "state", descending: true }, "attributes.status DESC"],
  [{ column: "created", descending: false }, "attributes.start_time ASC"],
  [{ column: "duration", descending: false }, "attributes.start_time DESC"],
  [{ column: "metrics.loss", descending: true }, "metrics.loss DESC"],
  [{ column: "metrics.val/loss", descending: true }, "metrics.`val/loss` DESC"],
  [{ column: "params.batch size", descending: false }, "params.`batch size` ASC"],
  [{ column: "nonsense", descending: false }, "attributes.start_time DESC"],
])("order of %j", (sort, text) => expect(orderBy(sort)).toEqual([text]));

test.each([
  ["loss", "loss"],
  ["rank_0/loss", "`rank_0/loss`"],
  ["a`b", '"a`b"'],
  ["1st", "`1st`"],
])("key %s is written %s", (key, text) => expect(quoteKey(key)).toBe(text));

test("clicks on a header go through both directions and back to none", () => {
  const first = nextSort(null, "metrics.loss");
  expect(first).toEqual({ column: "metrics.loss", descending: true });
  const second = nextSort(first, "metrics.loss");
  expect(second).toEqual({ column: "metrics.loss", descending: false });
  expect(nextSort(second, "metrics.loss")).toBeNull();
  expect(nextSort(second, "name")).toEqual({ column: "name", descending: false });
});

test("params that differ come first, goals before machine metrics and ranks", () => {
  const runs = [
    run("a", { fixed: "1", lr: "0.1" }, ["system/cpu", "rank_0/loss", "grad", "val/loss", "loss"]),
    run("b", { fixed: "1", lr: "0.2" }, ["system/cpu", "loss"]),
  ];
  expect(defaultColumns(runs).map((c) => `${c.kind}.${c.key}`)).toEqual([
    "metrics.loss",
    "metrics.grad",
    "metrics.val/loss",
    "params.lr",
    "params.fixed",
  ]);
  expect(rankedMetrics(runs).slice(-2)).toEqual(["rank_0/loss", "system/cpu"]);
  expect(available(runs, "metrics").get("loss")).toBe(2);
});

test("the column that is sorted by is shown", () => {
  const shown = [{ kind: "metrics" as const, key: "loss" }];
  expect(withSorted(shown, { column: "metrics.loss", descending: true })).toBe(shown);
  expect(withSorted(shown, { column: "params.lr", descending: true })).toHaveLength(2);
  expect(withSorted(shown, { column: "name", descending: true })).toBe(shown);
});

test("a running run lasts until now", () => {
  const runs = [run("short", {}, [], 0, 10), run("running", {}, [], 50), run("long", {}, [], 0, 500)];
  expect(byDuration(runs, true, 100).map((r) => r.id)).toEqual(["long", "running", "short"]);
});

test("a column of params is numeric if all of its values are", () => {
  const runs = [run("a", { lr: "0.1", opt: "adam" }, []), run("b", { lr: "1e-3", opt: "1" }, []), run("c", {}, [])];
  expect(isNumberColumn(runs, { kind: "params", key: "lr" })).toBe(true);
  expect(isNumberColumn(runs, { kind: "params", key: "opt" })).toBe(false);
});
