import { expect, test } from "vitest";

import { align, COLUMNS_PER_CURVE, lastOf, nearest, ownFrom, spreadLabels, yRange } from "./align";
import type { Curve } from "./curves";

const curve = (x: number[], y: (number | null)[], raw: (number | null)[] | null = null): Curve => ({
  ...{ id: "c", name: "c", stroke: { colour: 0, dash: [] }, x, y, low: y, high: y, raw, odd: [], fork: null, points: x.length, last: null },
});

test("runs with different steps share one x: no row is undefined, no value is null", () => {
  const [x, ...columns] = align([curve([0, 2], [1, null]), curve([1, 2], [5, 6], [4, 7])]);
  expect(x).toEqual([0, 1, 2]);
  expect(columns[0]).toEqual([1, undefined, null]);
  expect(columns[3]).toEqual([]);
  expect(columns[COLUMNS_PER_CURVE]).toEqual([undefined, 5, 6]);
  expect(columns[COLUMNS_PER_CURVE + 3]).toEqual([undefined, 4, 7]);
  expect(columns[COLUMNS_PER_CURVE + 4]).toEqual([]);
});

test("what is inherited reaches to the first row of the run's own", () => {
  const fork = { x: 1, run: "p", name: "p" };
  const columns = align([{ ...curve([0, 1, 2, 3], [9, 8, 7, 6]), fork }, curve([5], [1])]);
  expect(columns[1]).toEqual([9, 8, 7, 6, undefined]);
  expect(columns[5]).toEqual([9, 8, 7, undefined, undefined]);
  expect(ownFrom({ x: [0, 1], fork })).toBe(2);
});

test.each([
  [0, 0],
  [4, 0],
  [6, 3],
  [99, 3],
])("the row nearest to %d is %d", (at, index) => expect(nearest([0, 5, 8, 10], [1, undefined, null, 2], at)).toBe(index));

test("nothing is near in an empty column", () => {
  expect(nearest([1, 2], [undefined, null], 1)).toBe(-1);
  expect(lastOf([undefined, null])).toBe(-1);
  expect(lastOf([1, 2, null])).toBe(1);
});

test("the y axis has room around a flat line and without values", () => {
  expect(yRange(null, null)).toEqual([0, 1]);
  const [low, high] = yRange(3, 3);
  expect(low).toBeLessThan(3);
  expect(high).toBeGreaterThan(3);
});

test("labels keep their order, do not meet, and stay above the end", () => {
  const tops = spreadLabels([50, 50, 10, 95], 10, 100);
  expect(tops).toEqual([50, 60, 10, 90]);
});
