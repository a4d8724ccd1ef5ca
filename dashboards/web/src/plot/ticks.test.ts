import { expect, test } from "vitest";

import { limitsOf, place, rangeOf, rangeText, shortSeconds, shortStep, STEP_INCREMENTS } from "./ticks";

test.each([
  [0, "0"],
  [999, "999"],
  [9999, "9999"],
  [12_000, "12k"],
  [2_500_000, "2.5M"],
  [3e9, "3G"],
  [0.1 + 0.2, "0.3"],
])("step %d is %s", (v, text) => expect(shortStep(v)).toBe(text));

test.each([
  [0, "0s"],
  [0.25, "0.25s"],
  [40, "40s"],
  [300, "5m"],
  [90, "1m30"],
  [3600, "1h"],
  [5400, "1h30"],
  [172_800, "2d"],
  [90_000, "1d01h"],
  [-60, "-1m"],
])("%d seconds are %s", (v, text) => expect(shortSeconds(v)).toBe(text));

test("increments of steps are whole", () => expect(STEP_INCREMENTS.every(Number.isInteger)).toBe(true));

test("a part of the axis is a range of whole steps or milliseconds, and back", () => {
  expect(rangeOf("step", 1.2, 5.1)).toEqual({ from: 1, to: 6 });
  expect(rangeOf("relative", 1.2345, 2)).toEqual({ from: 1234, to: 2000 });
  expect(rangeOf({ metric: "m" }, 0.123456789, 2)).toEqual({ from: 0.123457, to: 2 });
  expect(limitsOf("time", { from: 1500, to: 2000 })).toEqual([1.5, 2]);
  expect(limitsOf("step", { from: 1, to: 6 })).toEqual([1, 6]);
  expect(limitsOf("step", null)).toBeNull();
  expect(limitsOf("step", { from: 100, to: 100 })).toEqual([100, 101]);
  expect(limitsOf({ metric: "m" }, { from: 1e6, to: 1e6 })).toEqual([1e6, 1e6 + 100]);
});

test("a place is said in words", () => {
  expect(place("step", 1999.6)).toBe("step 2,000");
  expect(place("relative", 90)).toBe("1 m 30 s after the start");
  expect(place({ metric: "tokens" }, 0.5)).toBe("tokens 0.5000");
  expect(rangeText("step", { from: 0, to: 1000 })).toBe("0 … 1,000");
  expect(rangeText("relative", { from: 0, to: 90_000 })).toBe("0 ms … 1 m 30 s");
});
