import { expect, test } from "vitest";

import { parseSignature } from "./signature";

test("columns are read, also folded and quoted ones", () => {
  const file = `flavors:
  python_function: {}
signature:
  inputs: '[{"type": "double", "name": "fixed acidity", "required": true}, {"type": "string",
    "name": "winemaker''s note", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]'
  params: null
`;
  expect(parseSignature(file)).toEqual({
    inputs: [
      { name: "fixed acidity", type: "double" },
      { name: "winemaker's note", type: "string, optional" },
    ],
    outputs: [{ name: "(0)", type: "tensor float64 [-1]" }],
  });
});

test("a model without a signature, or with a broken one, has none", () => {
  expect(parseSignature("flavors: {}\n")).toBeNull();
  expect(parseSignature("signature:\n  inputs: '[{'\n  outputs: null\n")).toBeNull();
});
