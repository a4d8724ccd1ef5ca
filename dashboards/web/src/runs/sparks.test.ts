import { expect, test } from "vitest";

import { pointColumns, type Series } from "../series";
import { courseOf, SPARK_HEIGHT } from "./sparks";

const series = (values: readonly number[]) => ({ ...pointColumns(values.map((_, i) => i), values.map(() => 0), values) }) as unknown as Series;

test("a course has the least and greatest finite value and goes from edge to edge", () => {
  const c = courseOf(series([3, NaN, 1, Infinity, 2]));
  expect([c.min, c.max]).toEqual([1, 3]);
  expect(c.path).toMatch(/^M1\.0 2\.0L.*L55\.0 /);
});

test("a level one stands in the middle, one point has none", () => {
  expect(courseOf(series([2, 2])).path).toBe(`M1.0 ${SPARK_HEIGHT / 2}.0L55.0 ${SPARK_HEIGHT / 2}.0`);
  expect(courseOf(series([2])).path).toBe("");
  expect(courseOf(series([NaN])).min).toBeNull();
});
