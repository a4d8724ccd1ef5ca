import { expect, test } from "vitest";

import { widths } from "./grid";

test("a column is as wide as its name or its longest cell, within limits", () => {
  const columns = ["n", "a_long_name", "text", "none"].map((name) => ({ name, type: "String" }));
  expect(widths({ columns, rows: [["1", "x", "y".repeat(500), null], ["123456", "x", "", null]], bytes: 0, took: 0 })).toEqual([6, 11, 48, 4]);
  expect(widths({ columns, rows: [], bytes: 0, took: 0 })).toEqual([4, 11, 4, 4]);
});

test("what grows is measured to its end", () => {
  const rows = Array.from({ length: 50_000 }, (_, i) => [String(i)]);
  expect(widths({ columns: [{ name: "n", type: "UInt64" }], rows, bytes: 0, took: 0 })).toEqual([5]);
});
