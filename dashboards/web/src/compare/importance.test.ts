import { expect, test } from "vitest";

import { share, verdict } from "./importance";

test("params that explain nothing are said to, whatever their parts of nothing are", () => {
  expect(verdict({ explained: 0 }, "val/loss")).toMatch(/^These params do not explain val\/loss/);
  expect(verdict({ explained: 0.09 }, "loss")).toContain("do not explain");
  expect(share({ explained: 0.09 }, 0.545)).toBe(0);
});

test("a param explains its part of what all explain", () => {
  expect(verdict({ explained: 0.834 }, "loss")).toBe("These params explain 83 % of the order of loss.");
  expect(share({ explained: 0.8 }, 0.5)).toBeCloseTo(0.4);
  expect(share({ explained: 1 }, 1)).toBe(1);
});
