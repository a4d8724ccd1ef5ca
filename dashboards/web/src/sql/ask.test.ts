import { expect, test } from "vitest";

import { cellNumber, cellText, isNumber, isTime, mistakeAt } from "./ask";

test("the place of a mistake is read from the engine's words", () => {
  expect(mistakeAt("Syntax error: failed at position 9 (SELEKT) (line 2, col 3): SELEKT")).toEqual({ line: 2, column: 3 });
  expect(mistakeAt("unknown column (line 12, column 1)")).toEqual({ line: 12, column: 1 });
  expect(mistakeAt("no place")).toBeNull();
});

test.each([
  ["UInt64", true], ["Nullable(Float64)", true], ["LowCardinality(Nullable(Int32))", true], ["Decimal(10, 2)", true],
  ["String", false], ["Array(Float64)", false], ["DateTime64(3)", false], ["Map(String, Float64)", false],
])("%s is a number: %s", (type, number) => expect(isNumber(type)).toBe(number));

test("times are known, also where they may be missing", () => {
  expect(["Date", "DateTime64(3)", "Nullable(DateTime)"].every(isTime)).toBe(true);
  expect(isTime("String")).toBe(false);
});

test("cells are shown exactly, and drawn only where they are finite", () => {
  expect(cellText("9223372036854775807")).toBe("9223372036854775807");
  expect(cellText({ a: 1 })).toBe('{"a":1}');
  expect(cellText(null)).toBe("NULL");
  expect(["1.5", 2, null, "nan", "inf", "", "x", [1]].map((c) => cellNumber(c))).toEqual([1.5, 2, null, null, null, null, null, null]);
});
