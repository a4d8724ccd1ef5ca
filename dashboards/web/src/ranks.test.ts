import { expect, test } from "vitest";

import { heatOf, rankCurves, stragglers, type RankState } from "./ranks";
import { decodeLine } from "./series";

const state = (rank: number, behind: number, ms = 0): RankState => ({ rank, last_step: 0, last_time: 0, behind_median: behind, behind_ms: ms, since: null, mean: 0, last: 0 });

const series = (values: (number | string)[]) =>
  decodeLine({
    ...{ run_id: "r", key: "loss", start_time: 0, bucket_width: 0, points_total: values.length, parts: [], as_of: {} },
    ...{ step: values.map((_, i) => 10 + i), time: values.map((_, i) => i), value: values },
  });

test("the slowest rank comes first", () => {
  expect(stragglers([state(0, 0), state(1, 5), state(2, 5, 9), state(3, 0)]).map((r) => r.rank)).toEqual([2, 1, 0, 3]);
});

test("a heat map has a row a rank and means in its columns", () => {
  const heat = heatOf([{ rank: 7, series: series([5, "NaN", 7]) }, { rank: 2, series: series([1, 3, 5, 7]) }], 2);
  expect(heat.ranks).toEqual([2, 7]);
  expect(heat.steps).toEqual([10, 12]);
  expect(heat.cells).toEqual([[0, 0, 2], [1, 0, 6], [0, 1, 5], [1, 1, 7]]);
  expect([heat.least, heat.greatest]).toEqual([2, 7]);
  expect(heatOf([], 10).cells).toEqual([]);
});

test("a rank's own line lies over the band of all", () => {
  const curves = rankCurves(series([1, 2]), series([2, 3]), 4, false);
  expect(curves.map((c) => c.name)).toEqual(["all ranks: min, mean, max", "rank 4"]);
  expect(rankCurves(null, null, null, false)).toEqual([]);
});
