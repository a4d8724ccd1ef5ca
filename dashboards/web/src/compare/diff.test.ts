import { expect, test } from "vitest";

import { changeText, diffRows } from "./diff";
import { runOf } from "./testrun";

const runs = [
  runOf("a", { params: { lr: "0.1", opt: "adam" }, metrics: { loss: 2, zero: 0 } }),
  runOf("b", { params: { lr: "0.2", opt: "adam" }, metrics: { loss: 1, zero: 3 }, tags: { team: "red", "mlflow.user": "u" } }),
];
const row = (key: string, baseline: number | null = null) => diffRows(runs, baseline).find((r) => r.key === key);

test("what runs have stands in rows, what differs is marked", () => {
  expect(diffRows(runs, null).map((r) => [r.kind, r.key, r.differs])).toEqual([
    ["metrics", "loss", true],
    ["metrics", "zero", true],
    ["params", "lr", true],
    ["params", "opt", false],
    ["tags", "team", true],
    ["run", "state", false],
    ["run", "user", false],
  ]);
  expect(row("team")?.cells.map((c) => c.text)).toEqual([null, "red"]);
});

test("numbers are compared with the baseline's, as parts of it", () => {
  expect(row("loss", 0)?.cells.map((c) => c.change)).toEqual([null, -0.5]);
  expect(row("lr", 1)?.cells.map((c) => c.change)).toEqual([-0.5, null]);
  expect(row("opt", 0)?.cells.map((c) => c.change)).toEqual([null, null]);
  expect(row("zero", 0)?.cells.map((c) => c.change)).toEqual([null, null]);
});

test.each([
  [null, ""],
  [0, ""],
  [0.125, "+12.5 %"],
  [-0.0012, "−0.12 %"],
  [12.3, "+1230 %"],
])("a change of %d is %j", (change, text) => expect(changeText(change)).toBe(text));
