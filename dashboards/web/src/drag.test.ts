import { expect, test } from "vitest";

import { edge } from "./drag";

test("near an edge of what scrolls it scrolls that way, in the middle it stays", () => {
  expect(edge(10, 0, 500)).toBeLessThan(0);
  expect(edge(250, 0, 500)).toBe(0);
  expect(edge(490, 0, 500)).toBeGreaterThan(0);
});

test("what is too small to have a middle does not scroll", () => {
  expect(edge(10, 0, 50)).toBe(0);
});
