import { expect, test } from "vitest";

import type { Result } from "./ask";
import { choose, drawn } from "./chart";

const result: Result = {
  columns: [{ name: "n", type: "UInt64" }, { name: "day", type: "DateTime('UTC')" }, { name: "loss", type: "Nullable(Float64)" }, { name: "who", type: "String" }],
  rows: [["1", "2026-01-02 03:04:05", 0.5, "ada"], ["2", "2026-01-03 00:00:00", null, "bob"]],
  bytes: 0,
  took: 0,
};

test("what is asked for is drawn, and else what fits", () => {
  expect(choose(result, null, [])).toEqual({ over: "day", of: ["n"] });
  expect(choose(result, "n", ["loss", "gone", "who"])).toEqual({ over: "n", of: ["loss"] });
  expect(choose(result, "gone", ["loss"])).toEqual({ over: "day", of: ["loss"] });
  expect(choose({ ...result, columns: [{ name: "who", type: "String" }], rows: [["ada"]] }, null, [])).toBeNull();
  expect(choose({ ...result, columns: [{ name: "n", type: "UInt8" }], rows: [["1"]] }, null, [])).toBeNull();
});

test("times, numbers and texts have axes of their kind, and what is missing is a gap", () => {
  const token = (name: string) => name;
  const option = (over: string, kind: "line" | "bar" = "line") => drawn(result, kind, { over, of: ["loss"] }, token) as { xAxis: { type: string }; series: { data: unknown[] }[] };
  expect(option("day").xAxis.type).toBe("time");
  expect(option("day").series[0]?.data).toEqual([[Date.UTC(2026, 0, 2, 3, 4, 5), 0.5], [Date.UTC(2026, 0, 3), null]]);
  expect(option("n").xAxis.type).toBe("value");
  expect(option("n", "bar").xAxis.type).toBe("category");
  expect(option("who").series[0]?.data).toEqual([["ada", 0.5], ["bob", null]]);
});
