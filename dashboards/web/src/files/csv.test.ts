import { expect, test } from "vitest";

import { parseCsv, separatorOf } from "./csv";

test("quotes hold separators, line ends and quotes", () => {
  expect(parseCsv('a,b\r\n"x, y","two\nlines, ""so"""\n\nlast,', ",", 10)).toEqual([["a", "b"], ["x, y", 'two\nlines, "so"'], ["last", ""]]);
});

test("no more rows are read than are wanted", () => {
  expect(parseCsv("1\n2\n3\n4", ",", 2)).toEqual([["1"], ["2"]]);
});

test("the separator is the one of the first line", () => {
  expect(["a,b", "a;b;c\n1,1,1,1,1", "a\tb", "alone"].map(separatorOf)).toEqual([",", ";", "\t", ","]);
});
