import { expect, test } from "vitest";

import { describe } from "./status";

const reading = (at: number, points: number, waiting = 0) => ({
  at,
  counts: { points, points_waiting: waiting, runs: 1, experiments: 1 },
});

test("before the first answer it says that it asks", () => {
  expect(describe([], null)).toEqual(["asking the server"]);
});

test("the flow is measured between the oldest and the newest reading", () => {
  expect(describe([reading(0, 100), reading(1000, 400), reading(2000, 2100)], null)).toEqual([
    "all parts well",
    "1,000 points/s",
    "2,100 points",
    "1 run",
  ]);
});

test("trouble comes first", () => {
  expect(describe([reading(0, 100)], "engine is starting")[0]).toBe("engine is starting");
});

test("points that wait longer than they should are said", () => {
  const readings = [0, 5000, 10_000].map((at) => reading(at, 1000, 900));
  expect(describe(readings, null)[0]).toBe("ClickHouse is behind");
  expect(describe([0, 5000].map((at) => reading(at, 1000, 900)), null)[0]).toBe("all parts well");
});
