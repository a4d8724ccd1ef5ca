import { describe, expect, test } from "vitest";

import { ago, bytes, count, duration, exactTime, isNumeric, number, param, tick } from "./format";

test.each([
  [0, "0"],
  [1, "1"],
  [12, "12"],
  [-3, "-3"],
  [0.5, "0.5000"],
  [0.22134, "0.2213"],
  [123.456, "123.5"],
  [1234.56, "1235"],
  [123456, "123456"],
  [12345678, "12345678"],
  [12345678.5, "1.235e7"],
  [123456789012, "123456789012"],
  [1234567890123, "1.235e12"],
  [0.0003, "0.0003000"],
  [0.00001234, "1.234e-5"],
  [1e-300, "1e-300"],
  [1e308, "1e308"],
  [NaN, "NaN"],
  [Infinity, "∞"],
  [-Infinity, "-∞"],
])("number(%d) is %s", (v, text) => expect(number(v)).toBe(text));

test.each([
  [0.30000000000000004, "0.3"],
  [100, "100"],
  [2500000, "2.5e6"],
  [0.00001, "1e-5"],
  [0, "0"],
])("tick(%d) is %s", (v, text) => expect(tick(v)).toBe(text));

test("a param stands as it was logged, only long decimals are shortened", () => {
  expect(param("adam")).toBe("adam");
  expect(param("0.10")).toBe("0.10");
  expect(param("0.00123456789")).toBe("0.001235");
  expect(param("1234567890123456789")).toBe("1234567890123456789");
});

test.each([
  ["1e-3", true],
  ["", false],
  [" ", false],
  ["adam", false],
  ["NaN", false],
])("isNumeric(%j) is %s", (text, numeric) => expect(isNumeric(text)).toBe(numeric));

test.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [1500, "1.5 s"],
  [42_000, "42 s"],
  [125_000, "2 m 05 s"],
  [3_840_000, "1 h 04 m"],
  [90_000_000, "1 d 01 h"],
  [-5, "–"],
])("duration(%d) is %s", (ms, text) => expect(duration(ms)).toBe(text));

describe("ago", () => {
  const now = new Date(2026, 10, 23, 12).getTime();
  test.each([
    [1000, "just now"],
    [-60_000, "just now"],
    [30_000, "30 s ago"],
    [7_200_000, "2 h ago"],
    [3 * 86_400_000, "3 d ago"],
    [60 * 86_400_000, "2026-09-24"],
  ])("%d ms before now is %s", (before, text) => expect(ago(now - before, now)).toBe(text));
});

test("exact times have milliseconds", () => {
  expect(exactTime(new Date(2026, 0, 2, 3, 4, 5, 6).getTime())).toBe("2026-01-02 03:04:05.006");
});

test("sizes and counts", () => {
  expect(bytes(12)).toBe("12 B");
  expect(bytes(5000)).toBe("4.9 KB");
  expect(bytes(5 << 20)).toBe("5.0 MB");
  expect(count(1204332)).toBe("1,204,332");
});
