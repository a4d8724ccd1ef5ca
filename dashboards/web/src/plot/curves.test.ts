import { expect, test } from "vitest";

import { decodeLine, type WireLine } from "../series";
import { curveOf, PLAIN_LOOKS, type Looks } from "./curves";

const identity = { id: "r", name: "run", stroke: { colour: 0, dash: [] } };

function points(key: string, rows: readonly (readonly [step: number, value: number | string])[]) {
  return decodeLine({
    ...{ run_id: "r", key, start_time: 1000, bucket_width: 0, points_total: rows.length, parts: [], as_of: {} },
    ...{ step: rows.map((r) => r[0]), time: rows.map((r) => 1000 + r[0] * 500), value: rows.map((r) => r[1]) },
  });
}

const loss = points("loss", [[0, 4], [2, "NaN"], [4, 0], [6, "-Infinity"]]);
const draw = (looks: Partial<Looks>, along: Parameters<typeof curveOf>[3] = null) => curveOf(loss, identity, { ...PLAIN_LOOKS, ...looks }, along);

test("x is the step, or seconds since the start, or since the epoch", () => {
  expect(draw({}).x).toEqual([0, 2, 4, 6]);
  expect(draw({ x: "relative" }).x).toEqual([0, 1, 2, 3]);
  expect(draw({ x: "time" }).x).toEqual([1, 2, 3, 4]);
});

test("x is what another metric was by then", () => {
  const tokens = points("tokens", [[1, 100], [4, 50]]);
  const curve = draw({ x: { metric: "tokens" } }, tokens);
  // Step 0 came before the other metric; the rows are sorted by x, and two that met at one x are one.
  expect([curve.x, curve.y]).toEqual([[50, 100], [0, null]]);
  expect(draw({ x: { metric: "tokens" } }).x).toEqual([]);
});

test("what is no number is a gap and a mark", () => {
  const { y, odd } = draw({});
  expect(y).toEqual([4, null, 0, null]);
  expect(odd).toEqual([{ x: 2, nan: 1, posInf: 0, negInf: 0 }, { x: 6, nan: 0, posInf: 0, negInf: 1 }]);
});

test("logarithms have no place for what is not positive", () => {
  expect(draw({ logY: true }).y).toEqual([4, null, null, null]);
  expect(draw({ logX: true }).x).toEqual([2, 4, 6]);
});

test("rows of one step become one that hides none of them", () => {
  const curve = curveOf(points("loss", [[5, 1], [5, 42], [5, "NaN"], [6, 3]]), identity, PLAIN_LOOKS);
  expect([curve.x, curve.y, curve.low, curve.high, curve.odd.length]).toEqual([[5, 6], [21.5, 3], [1, 3], [42, 3], 1]);
});

test("a smoothed line keeps what it was made from", () => {
  const plain = draw({});
  const smoothed = draw({ smoothing: 0.5 });
  expect(plain.raw).toBeNull();
  expect(smoothed.raw).toEqual(plain.y);
  expect(smoothed.high).toEqual(plain.high);
});

test("without a shade the band lies on the line", () => {
  const wire: WireLine = {
    ...{ run_id: "r", key: "k", start_time: 0, bucket_width: 2, points_total: 2, parts: [], as_of: {}, step: [0], step_last: [1] },
    ...{ time: [0], time_last: [1], min: [1], max: [9], mean: [5], last: [9], count: [2], nan: [0], pos_inf: [0], neg_inf: [0] },
  };
  expect(curveOf(decodeLine(wire), identity, PLAIN_LOOKS)).toMatchObject({ low: [1], high: [9], last: { x: 1, value: 9 } });
  expect(curveOf(decodeLine(wire), identity, { ...PLAIN_LOOKS, shade: false })).toMatchObject({ low: [5], high: [5] });
});

test("a fork's curve says where it begins to be its own, on axes where a place parts the two", () => {
  const fork = { ...points("loss", [[0, 4], [2, 3], [4, 2], [6, 1]]), inherited: { run: "0123456789", to: 3 } };
  const along = points("tokens", [[0, 9], [4, 1]]);
  expect(curveOf(fork, identity, PLAIN_LOOKS).fork).toEqual({ x: 2, run: "0123456789", name: "01234567" });
  expect(curveOf({ ...fork, inherited: { run: "p", to: 6 } }, identity, { ...PLAIN_LOOKS, x: "relative" }).fork?.x).toBe(3);
  expect(curveOf(fork, identity, { ...PLAIN_LOOKS, x: { metric: "tokens" } }, along).fork).toBeNull();
});
