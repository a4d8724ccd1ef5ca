import { expect, test } from "vitest";

import type { Curve } from "./curves";
import { binWidthOf, groupCurve, type GroupLooks } from "./group";

const stroke = { colour: 0, dash: [] };
const curve = (x: number[], y: (number | null)[]): Curve => ({ id: "c", name: "c", stroke, x, y, low: y, high: y, raw: null, odd: [], fork: null, points: x.length, last: null });
const looks: GroupLooks = { binWidth: 0, band: "minmax", logY: false, smoothing: 0, shade: true };
const group = (curves: Curve[], more: Partial<GroupLooks> = {}) => groupCurve(curves, { id: "g", name: "g", stroke }, { ...looks, ...more });

test("the mean of the runs, and the band from the least to the greatest", () => {
  const g = group([curve([0, 1], [1, 2]), curve([0, 1], [3, 6])]);
  expect([g.x, g.y, g.low, g.high, g.points]).toEqual([[0, 1], [2, 4], [1, 2], [3, 6], 4]);
});

test("a run that ended, or has a gap, is left out there", () => {
  expect(group([curve([0, 1, 2], [1, null, 5]), curve([0, 1], [3, 6])]).y).toEqual([2, 6, 5]);
});

test("in a bin a run counts once, however often it logged", () => {
  expect(group([curve([0, 1, 2, 3], [1, 1, 1, 1]), curve([0], [5])], { binWidth: 4 })).toMatchObject({ x: [0], y: [3] });
});

test("a standard deviation of the sample", () => {
  expect(group([curve([0], [1]), curve([0], [3])], { band: "std" })).toMatchObject({ low: [2 - Math.SQRT2], high: [2 + Math.SQRT2] });
  expect(group([curve([0], [1])], { band: "std" })).toMatchObject({ low: [1], high: [1] });
});

test("without a shade the band lies on the line", () => {
  expect(group([curve([0], [1]), curve([0], [3])], { shade: false })).toMatchObject({ low: [2], high: [2] });
});

test("what is not positive is a gap on a logarithmic axis", () => {
  expect(group([curve([0], [-1])], { logY: true }).y).toEqual([null]);
});

test("bins are a part of all that the curves span", () => {
  expect(binWidthOf([curve([0, 100], [1, 1]), curve([50, 400], [1, 1])])).toBe(2);
  expect(binWidthOf([curve([5], [1])])).toBe(0);
  expect(binWidthOf([])).toBe(0);
});
