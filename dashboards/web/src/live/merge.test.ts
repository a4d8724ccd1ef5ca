import { describe, expect, test } from "vitest";

import { decodeLine, pointColumns, type Series, type WireLine } from "../series";
import { coarsened, emptySeries, mergeLive, type LiveLine } from "./merge";

const raw: WireLine = {
  ...{ run_id: "r", key: "loss", start_time: 1000, bucket_width: 0, points_total: 2, parts: [{ run_id: "r", attempt: 7, to_step: 4, inherited: false }] },
  ...{ as_of: { "0": 10 }, step: [0, 2], time: [1000, 1200], value: [3, "NaN"] },
};

const buckets: WireLine = {
  ...{ run_id: "r", key: "loss", start_time: 1000, bucket_width: 4, points_total: 5, parts: [{ run_id: "r", attempt: 7, to_step: 4, inherited: false }] },
  ...{ as_of: { "0": 10 }, step: [0, 4], step_last: [3, 4], time: [1000, 1400], time_last: [1300, 1400] },
  ...{ min: [1, 5], max: [4, 5], mean: [2, 5], last: [1, 5], count: [4, 1], nan: [0, 0], pos_inf: [0, 0], neg_inf: [0, 0] },
};

const live = (rows: readonly (readonly [seq: number, step: number, value: number | string])[], more: Partial<LiveLine> = {}): LiveLine => ({
  ...{ run_id: "r", key: "loss", attempt: 7, lane: 0 },
  seq: rows.map((r) => r[0]),
  step: rows.map((r) => r[1]),
  time: rows.map((r) => 1000 + r[1] * 100),
  value: rows.map((r) => r[2]),
  ...more,
});

const merge = (line: WireLine, ...lines: LiveLine[]) => mergeLive(decodeLine(line), lines, "step", null, 100);
const shown = (s: Series) => s.step.map((step, i) => [step, s.mean[i]]);

describe("points", () => {
  test("come behind the last one, and among others where they belong", () => {
    expect(shown(merge(raw, live([[11, 3, 4], [12, 1, 9]])).series)).toEqual([[0, 3], [1, 9], [2, NaN], [3, 4]]);
  });

  test("that the answer has already are left out by their position", () => {
    const { series } = merge(raw, live([[9, 2, 1], [10, 3, 1], [11, 4, 6]]));
    expect(shown(series)).toEqual([[0, 3], [2, NaN], [4, 6]]);
    expect(series.points).toBe(3);
  });

  test("of one frame all count, and the frame counts once", () => {
    const once = merge(raw, live([[11, 3, 1], [11, 4, 2]])).series;
    expect(once.asOf.get(0)).toBe(11);
    expect(mergeLive(once, [live([[11, 3, 1], [11, 4, 2]])], "step", null, 100).series.points).toBe(4);
  });

  test("that MLflow's client sent twice are shown once, others of the same step stay", () => {
    expect(shown(merge(raw, live([[11, 0, 3], [12, 0, 8]])).series)).toEqual([[0, 3], [0, 8], [2, NaN]]);
  });

  test("outside the range that is looked at are left out", () => {
    const { series } = mergeLive(decodeLine(raw), [live([[11, 3, 1], [12, 9, 1]])], "step", { from: 0, to: 5 }, 100);
    expect(series.step).toEqual([0, 2, 3]);
  });

  test("of a metric that had none begin its line", () => {
    const { series, again } = mergeLive(emptySeries("r", "loss", 1000), [live([[3, 0, 1], [4, 1, "Infinity"]])], "step", null, 100);
    expect(shown(series)).toEqual([[0, 1], [1, Infinity]]);
    expect([series.posInf, series.attempt, again]).toEqual([[0, 1], 7, false]);
  });
});

describe("buckets", () => {
  test("take a point into its bucket, with mean, ends and spikes", () => {
    const { series } = merge(buckets, live([[11, 6, 9]]));
    expect([series.step, series.stepLast, series.mean, series.min, series.max, series.count]).toEqual([[0, 4], [3, 6], [2, 7], [1, 5], [4, 9], [4, 2]]);
    expect(series.last).toEqual([1, 9]);
  });

  test("get a new one behind the last", () => {
    expect(shown(merge(buckets, live([[11, 8, 9]])).series)).toEqual([[0, 2], [4, 5], [8, 9]]);
  });

  test("count what is not finite and keep their mean", () => {
    const { series } = merge(buckets, live([[11, 5, "NaN"], [12, 6, "-Infinity"]]));
    expect([series.mean[1], series.nan[1], series.negInf[1], series.count[1]]).toEqual([5, 1, 1, 3]);
  });

  test("of time lie where the time is", () => {
    const wire = { ...buckets, bucket_width: 200, time: [1000, 1200], time_last: [1199, 1200] };
    const { series } = mergeLive(decodeLine(wire), [live([[11, 3, 7]])], "relative", null, 100);
    expect(series.count).toEqual([4, 2]);
  });
});

test("another launch, and more rows than can be drawn, ask the server again", () => {
  expect(merge(raw, live([[11, 1, 1]], { attempt: 8 })).again).toBe(true);
  expect(merge(raw, live([[11, 3, 1]])).again).toBe(false);
  expect(mergeLive(decodeLine(raw), [live([[11, 3, 1]])], "step", null, 2).again).toBe(true);
});

test("a merge leaves the series as it was", () => {
  const before = decodeLine(raw);
  mergeLive(before, [live([[11, 3, 1]])], "step", null, 100);
  expect(before.step).toEqual([0, 2]);
});

test("rows never become more than twice those that are read again, whatever the server answers", () => {
  const ROWS = 100;
  let series = emptySeries("r", "k", 0);
  for (let n = 0; n < 50; n++) {
    const steps = Array.from({ length: 60 }, (_, i) => n * 60 + i);
    ({ series } = mergeLive(series, [{ run_id: "r", key: "k", attempt: 0, lane: 0, seq: steps, step: steps, time: steps, value: steps.map((s) => (s === 1234 ? 99 : 0)) }], "step", null, ROWS));
    expect(series.step.length).toBeLessThanOrEqual(2 * ROWS);
  }
  expect(series.points).toBe(3000);
  expect(series.count.reduce((a, b) => a + b)).toBe(3000);
  expect(Math.max(...series.max)).toBe(99);
  // Buckets begin at multiples of their width, as the server's do.
  expect(series.step.every((step) => step % series.width === 0)).toBe(true);
});

test("times that go back and forth cannot make rows more, either", () => {
  const steps = Array.from({ length: 1000 }, (_, i) => i);
  const zigzag = { ...emptySeries("r", "k", 0), ...pointColumns(steps, steps.map((s) => (s % 2 ? s : 100_000 - s)), steps) };
  const few = coarsened(zigzag, "time", 100);
  expect(few.step.length).toBeLessThanOrEqual(100);
  expect(few.count.reduce((a, b) => a + b)).toBe(1000);
});
