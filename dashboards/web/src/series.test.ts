import { expect, test } from "vitest";

import { axisValue, decodeLine, rowAt, type WireLine, wireColumns } from "./series";

const head = { run_id: "r", key: "loss", start_time: 1000, points_total: 3, parts: [1, 5].map((attempt) => ({ run_id: "r", attempt, to_step: 9, inherited: false })), as_of: { "0": 3, "2": 9 } };
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

test("a fork says up to which step the values are another run's", () => {
  const part = (run_id: string, attempt: number, to_step: number, inherited: boolean) => ({ run_id, attempt, to_step, inherited });
  const line = { ...{ run_id: "c", key: "loss", start_time: 0, bucket_width: 0, points_total: 3, as_of: {} }, step: [1, 5, 9], time: [1, 5, 9], value: [1, 2, 3] };
  const fork = decodeLine({ ...line, parts: [part("a", 900, 1, true), part("b", 800, 5, true), part("c", 3, 9, false)] });
  expect([fork.inherited, fork.attempt]).toEqual([{ run: "b", to: 5 }, 3]);
  expect(decodeLine({ ...line, parts: [part("c", 0, 9, false)] }).inherited).toBeNull();
});

test("a line that was asked for without times has none, and its steps all the same", () => {
  expect(wireColumns(false)).not.toContain("time");
  expect(wireColumns(true)).toContain("time");
  const line = { run_id: "r", key: "k", start_time: 5, points_total: 2, parts: [], as_of: {}, step: [1, 2] };
  expect(decodeLine({ ...line, bucket_width: 0, value: [3, 4] })).toMatchObject({ step: [1, 2], time: [0, 0], mean: [3, 4] });
  expect(decodeLine({ ...line, bucket_width: 8, step_last: [1, 2], min: [1, 1], max: [2, 2] })).toMatchObject({ step: [1, 2], time: [0, 0], timeLast: [0, 0] });
});
