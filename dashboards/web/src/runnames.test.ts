import { expect, test } from "vitest";

import { namesStatement } from "./runnames";

test("only ids are asked for, each once, and none without any", () => {
  const [a, b] = ["a".repeat(32), "b".repeat(32)];
  expect(namesStatement([a, b, a, "x' OR 1", ""])).toBe(`SELECT run_id, name, experiment_name FROM sg.runs WHERE run_id IN ('${a}', '${b}')`);
  expect(namesStatement([""])).toBeNull();
});
