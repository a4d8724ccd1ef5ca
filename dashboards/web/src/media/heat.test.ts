import { expect, test } from "vitest";

import { histogramHeat, quantile } from "./heat";

const at = (step: number, edges: number[], counts: number[]) => ({ step, histogram: { edges, counts } });

test("bins of different histograms are laid on common rows, each column a whole", () => {
  const heat = histogramHeat([at(0, [0, 2, 4], [3, 1]), at(5, [2, 3, 4], [0, 8])], 4);
  expect(heat.edges).toEqual([0, 1, 2, 3, 4]);
  expect(heat.steps).toEqual([0, 5]);
  expect(heat.cells.map(([c, r, v]) => [c, r, Number(v.toFixed(6))])).toEqual([[0, 0, 0.375], [0, 1, 0.375], [0, 2, 0.125], [0, 3, 0.125], [1, 3, 1]]);
  expect(heat.greatest).toBe(1);
});

test("a histogram of no number is an empty column, and of none there is no picture", () => {
  expect(histogramHeat([at(0, [], []), at(1, [0, 1], [1])], 2).cells).toEqual([[1, 0, 0.5], [1, 1, 0.5]]);
  expect(histogramHeat([at(0, [], [])], 2)).toEqual({ steps: [], edges: [], cells: [], greatest: 0 });
});

test.each([
  [0, 0],
  [0.25, 1],
  [0.5, 2],
  [0.75, 3],
  [1, 4],
])("a part of %d lies below %d", (part, value) => expect(quantile({ edges: [0, 2, 2.5, 4], counts: [2, 0, 2] }, part)).toBeCloseTo(part > 0.5 ? 2.5 + (part - 0.5) * 3 : value));

test("without numbers there is no quantile", () => expect(quantile({ edges: [], counts: [] }, 0.5)).toBeNull());
