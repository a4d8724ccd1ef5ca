import { expect, test } from "vitest";

import { smooth } from "./smooth";

const steps = (n: number) => Array.from({ length: n }, (_, i) => i);

test("without a weight values stay as they are", () => expect(smooth([0, 1, 2], [1, null, 3], 0)).toEqual([1, null, 3]));

test("a constant stays a constant, from its first value on", () => {
  for (const v of smooth(steps(50), steps(50).map(() => 7), 0.9)) expect(v).toBeCloseTo(7, 12);
});

test("the first value is itself", () => expect(smooth([0, 1, 2], [5, 1, 1], 0.99)[0]).toBe(5));

test("more weight makes calmer lines", () => {
  const noise = steps(400).map((i) => (i % 2 ? 1 : -1));
  const swing = (weight: number) => Math.max(...smooth(steps(400), noise, weight).slice(200).map((v) => Math.abs(v ?? 0)));
  expect(swing(0.9)).toBeLessThan(swing(0.5));
  expect(swing(0.99)).toBeLessThan(swing(0.9));
});

test("memory is a length of x: a run that logs every second step is smoothed like one that logs each", () => {
  const ramp = (n: number, by: number) => smooth(steps(n).map((i) => i * by), steps(n).map((i) => i * by), 0.9);
  expect(ramp(501, 2)[400] as number).toBeCloseTo(ramp(1001, 1)[800] as number, 0);
});

test("after a long gap only the new value counts", () => {
  expect(smooth([0, 1, 1_000_000], [100, 100, 1], 0.9)[2]).toBeCloseTo(1, 10);
});

test("gaps stay gaps and do not pull the line", () => expect(smooth([0, 1, 2, 3], [4, null, 4, 4], 0.9)).toEqual([4, null, 4, 4]));
