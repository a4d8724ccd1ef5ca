import { expect, test } from "vitest";

import { joined, strayWord } from "./joints";

const stray = (filter: string) => strayWord(filter)?.text;

test("the word that joins nothing is found, wherever it stands", () => {
  expect(stray("metrics.loss < 1 or params.optimizer = 'adam' xor")).toBe("xor");
  expect(stray("metrics.loss < 1 xor params.x = 'a'")).toBe("xor");
  expect(stray("(metrics.loss < 1 or params.x IS NOT NULL) nor params.y NOT LIKE 'a%'")).toBe("nor");
  expect(stray("params.x IN ('a', 'b') & tags.t = 'c'")).toBe("&");
});

test("a filter that is well, or wrong in another way, has none", () => {
  for (const filter of ["", "metrics.loss", "metrics.loss <", "a = 1 and", "metrics.loss < 1 and (params.`a b` = 'x or y' or tags.t IS NULL)", "a = 1 or or b = 2", "params.x NOT IN ('a')", "params.x IN ('a'"]) expect(strayWord(filter), filter).toBeNull();
});

test("an and that is missing is written where the server reads one", () => {
  expect(joined("metrics.loss < 1 params.x = 'a'")).toBe("metrics.loss < 1 and params.x = 'a'");
  expect(joined("a = 1 b is null c in ('x') d like 'y'")).toBe("a = 1 and b is null and c in ('x') and d like 'y'");
  for (const filter of ["a = 1 and b = 2", "a = 1 xor b = 2", "a = 1 b", "a = 'b c = d'"]) expect(joined(filter), filter).toBe(filter);
});
