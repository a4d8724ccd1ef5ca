import { expect, test } from "vitest";

import { axisValue, decodeLine, rowAt, type WireLine } from "./series";

const head = { run_id: "r", key: "loss", start_time: 1000, points_total: 3, parts: [{ attempt: 1 }, { attempt: 5 }], as_of: { "0": 3, "2": 9 } };
const raw: WireLine = { ...head, bucket_width: 0, step: [0, 1, 2], time: [1, 2, 3], value: [0.5, "NaN", "-Infinity"] };

test("points are rows by themselves", () => {
  const s = decodeLine(raw);
  expect([s.run, s.width, s.points, s.attempt]).toEqual(["r", 0, 3, 5]);
  expect([...s.asOf]).toEqual([[0, 3], [2, 9]]);
  expect([s.mean, s.max, s.stepLast]).toEqual([[0.5, NaN, -Infinity], [0.5, NaN, -Infinity], [0, 1, 2]]);
  expect([s.count, s.nan, s.posInf, s.negInf]).toEqual([[1, 1, 1], [0, 1, 0], [0, 0, 0], [0, 0, 1]]);
});

test("buckets keep their ends and counts", () => {
  const s = decodeLine({
    ...{ ...head, bucket_width: 4, step: [0], step_last: [3], time: [10], time_last: [20] },
    ...{ min: [1], max: ["Infinity"], mean: [2], last: [4], count: [4], nan: [1], pos_inf: [2], neg_inf: [0] },
  });
  expect(rowAt(s, 0)).toEqual({ step: 0, stepLast: 3, time: 10, timeLast: 20, min: 1, max: Infinity, mean: 2, last: 4, count: 4, nan: 1, posInf: 2, negInf: 0 });
});

test("an axis begins at 0, at the run, or at the epoch", () => {
  expect([axisValue("step", 1000, 7, 1500), axisValue("relative", 1000, 7, 1500), axisValue("time", 1000, 7, 1500)]).toEqual([7, 500, 1500]);
});
