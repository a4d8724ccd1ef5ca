import { expect, test } from "vitest";

import { innerRange, quantile } from "./outliers";

const ramp = Array.from({ length: 101 }, (_, i) => i / 100);

test("a lone spike is left out, the rest is in", () => {
  const [low, high] = innerRange([...ramp, 1e9]) ?? [NaN, NaN];
  expect(low).toBe(0);
  expect(high).toBeGreaterThanOrEqual(1);
  expect(high).toBeLessThan(2);
});

test("on both sides", () => {
  const [low, high] = innerRange([-1e9, ...ramp, 1e9]) ?? [NaN, NaN];
  expect(low).toBeLessThanOrEqual(0);
  expect(low).toBeGreaterThan(-1);
  expect(high).toBeLessThan(2);
});

test("values without outliers keep the whole range", () => expect(innerRange(ramp)).toBeNull());

test("few values, and equal ones, are all shown", () => {
  expect(innerRange([1, 1000])).toBeNull();
  expect(innerRange([...Array<number>(50).fill(3), 9])).toBeNull();
});

test("quantiles lie between neighbours", () => {
  expect(quantile([0, 10], 0.25)).toBe(2.5);
  expect(quantile([4], 0.9)).toBe(4);
});
