import { expect, test } from "vitest";

import { seenRows } from "../runs/config";
import { indented, jsonTree } from "./json";

const rowsOf = (text: string, search = "", turned: readonly string[] = []) =>
  seenRows(jsonTree(text) ?? [], new Set(turned), search).map(({ node, depth, open }) => `${"  ".repeat(depth)}${node.key}${open ? " -" : ""} ${node.value === null ? node.note : node.shown}`);

test("what holds little is open, what holds much says how much", () => {
  const text = JSON.stringify({ lr: 0.1, opt: { name: "adam", betas: [0.9, 0.999] }, losses: Array.from({ length: 60 }, (_, i) => ({ i })), none: [], nil: null });
  expect(rowsOf(text)).toEqual(["lr 0.1", "opt - 2 keys", '  name "adam"', "  betas [0.9, 0.999]", "losses 60 items", "none []", "nil null"]);
  expect(rowsOf(text, "", ["losses"]).slice(4, 7)).toEqual(["losses - 60 items", "  0 - 1 key", "    i 0"]);
});

test("a search shows what has it, with what is above", () => {
  expect(rowsOf('{"a":{"deep":{"er":{"x":"Needle"}}},"b":1}', "needle")).toEqual(["a - 1 key", "  deep - 1 key", "    er - 1 key", '      x "Needle"']);
});

test("numbers stay as they were written, and those of Python are read", () => {
  expect(rowsOf('{"id":12345678901234567890,"one":1.0,"text":"1","n":NaN,"m":-Infinity,"s":"a NaN \\" NaN"}')).toEqual([
    "id 12345678901234567890",
    "one 1.0",
    'text "1"',
    "n NaN",
    "m -Infinity",
    's "a NaN \\" NaN"',
  ]);
});

test("a key of any name is a key, and what is no tree has none", () => {
  expect(rowsOf('{"__proto__":1,"a\\nb":{"constructor":2}}')).toEqual(["__proto__ 1", "a\nb - 1 key", "  constructor 2"]);
  expect(["1", '"a"', "{", "", "null"].map(jsonTree)).toEqual([null, null, null, null, null]);
});

test("very deep nesting ends in a text", () => {
  const deep = (n: number) => `${'{"a":'.repeat(n)}1${"}".repeat(n)}`;
  expect(rowsOf(deep(200), '"a": 1').length).toBe(101);
});

test("digits that a double would lose are not rewritten", () => {
  expect(indented('{"a":1}')).toBe('{\n  "a": 1\n}');
  expect(indented('{"a":12345678901234567890}')).toBe('{"a":12345678901234567890}');
});
