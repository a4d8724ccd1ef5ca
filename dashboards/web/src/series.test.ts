import { expect, test } from "vitest";

import { align, decodeSeries, lastOf, nearest, spreadLabels, yRange, type Series, type WireLine } from "./series";

function line(steps: readonly number[], values: readonly (number | null)[], of: Partial<WireLine> = {}): WireLine {
  const sent = values.map((v) => v ?? "Infinity");
  return {
    rank: 0,
    attempt: 0,
    points_total: steps.length,
    step: steps,
    min: sent,
    max: sent,
    mean: sent,
    count: steps.map(() => 1),
    non_finite: values.map((v) => (v === null ? 1 : 0)),
    ...of,
  };
}

const series = (steps: number[], values: (number | null)[]): Series => decodeSeries({ series: [line(steps, values)] });

test("an answer without lines is an empty series", () => {
  expect(decodeSeries({ series: [] })).toEqual({ step: [], mean: [], min: [], max: [], odd: [], points: 0 });
});

test("the lowest rank stands for the run", () => {
  const answer = { series: [line([0], [9], { rank: 3 }), line([0], [1], { rank: 1 })] };
  expect(decodeSeries(answer).mean).toEqual([1]);
});

test("a later attempt replaces an earlier one from its first step on", () => {
  const answer = { series: [line([0, 10, 20, 30], [1, 2, 3, 4]), line([20, 40], [7, 8], { attempt: 5 })] };
  const s = decodeSeries(answer);
  expect(s.step).toEqual([0, 10, 20, 40]);
  expect(s.mean).toEqual([1, 2, 7, 8]);
});

test("values of one step become one row that hides none of them", () => {
  const s = series([5, 5, 5, 6], [1, 42, null, 3]);
  expect(s.step).toEqual([5, 6]);
  expect([s.min[0], s.max[0], s.mean[0], s.odd[0]]).toEqual([1, 42, 21.5, 1]);
});

test("runs with different steps share one x: no row is undefined, no value is null", () => {
  const [x, ...columns] = align([series([0, 2], [1, null]), series([1, 2], [5, 6])], false);
  expect(x).toEqual([0, 1, 2]);
  expect(columns[0]).toEqual([1, undefined, null]);
  expect(columns[3]).toEqual([undefined, 5, 6]);
  expect(columns).toHaveLength(6);
});

test("what is not positive is a gap on a logarithmic axis", () => {
  expect(align([series([0, 1, 2], [1, 0, -1])], true)[1]).toEqual([1, null, null]);
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
