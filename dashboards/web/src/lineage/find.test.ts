import { expect, test } from "vitest";

import { findStatement, nodesIn } from "./find";

test("a text is quoted, and an id is looked for only where it can be one", () => {
  expect(findStatement("it's \\ 50%")).toContain(String.raw`'it\'s \\ 50%'`);
  expect(findStatement("wine")).not.toContain("startsWith");
  expect(findStatement("ab12cd")).toContain("startsWith(run_id, 'ab12cd')");
  expect(findStatement("")).not.toContain("WHERE");
});

test("what is found is written as the graph asks for it", () => {
  const rows = [
    ["version", "wine/50%", "3", "Production"],
    ["run", "trial", "ab".repeat(16), "wine"],
    ["dataset", "100%", "d@1", "4"],
    ["odd", "x", "y", "z"],
  ];
  expect(nodesIn({ rows })).toEqual([
    { kind: "version", node: "version:wine/50%25/3", name: "wine/50% v3", where: "Production" },
    { kind: "run", node: `run:${"ab".repeat(16)}`, name: "trial", where: "wine" },
    { kind: "dataset", node: "dataset:100%25@d%401", name: "100%", where: "d@1, 4 runs" },
  ]);
});
