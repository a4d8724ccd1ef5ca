import { expect, test } from "vitest";

import { panned, rangeNear, zoomed } from "./pan";

test("limits are moved by parts of their width", () => {
  expect(panned([100, 200], 0.5, null)).toEqual([150, 250]);
  expect(panned([100, 200], -3, null)).toEqual([-200, -100]);
});

test("they begin with the first value at the earliest, and the last value stands in the middle at the latest", () => {
  expect(panned([100, 200], -5, [40, 1000])).toEqual([40, 140]);
  expect(panned([100, 200], 50, [0, 1000])).toEqual([950, 1050]);
  // A link may show a part where nothing is: nobody is thrown out of it.
  expect(panned([2000, 2100], 1, [0, 1000])).toEqual([2000, 2100]);
  expect(panned([2000, 2100], -1, [0, 1000])).toEqual([1900, 2000]);
});

test("what the pointer is on stays where it is", () => {
  expect(zoomed("step", [100, 200], 150, 0.5, null)).toEqual([125, 175]);
  expect(zoomed("step", [100, 200], 100, 0.5, null)).toEqual([100, 150]);
  expect(zoomed("step", [100, 200], 150, 2, null)).toEqual([50, 250]);
});

test("wider than all is all, and an end is not gone beyond", () => {
  expect(zoomed("step", [100, 200], 150, 100, [0, 1000])).toBeNull();
  expect(zoomed("step", [10, 110], 60, 2, [0, 1000])).toEqual([0, 160]);
});

test("a part is never narrower than can be told apart", () => {
  expect(zoomed("step", [100, 104], 102, 0.001, null)).toEqual([101, 103]);
  const [from, to] = zoomed("time", [1e9, 1e9 + 1], 1e9, 1e-9, null) as [number, number];
  expect(to - from).toBeCloseTo(0.002, 6);
  expect(zoomed({ metric: "epoch" }, [10, 20], 10, 0, null)).toEqual([10, 10.002]);
});

test("a moved range keeps its width, and is one", () => {
  expect(rangeNear("step", [10.4, 20.4])).toEqual({ from: 10, to: 20 });
  expect(rangeNear("relative", [1.0004, 2.0004])).toEqual({ from: 1000, to: 2000 });
  expect(rangeNear("step", [7.1, 7.3])).toEqual({ from: 7, to: 8 });
  expect(rangeNear({ metric: "m" }, [0.12345678, 0.5])).toEqual({ from: 0.123457, to: 0.5 });
});
