import { expect, test } from "vitest";

import type { Run } from "../api";
import { clausesOf, complete, completed, quoteValue, vocabularyOf, withClause, without, wordsOf, wrongWord } from "./filtertext";

const run = {
  user: "ada", name: "r1", metrics: new Map([["val/loss", {}], ["loss", {}]]), params: new Map([["opt", "adam"], ["it's", 'a "b"']]), tags: new Map([["team", "vis'ion"]]),
} as unknown as Run;
const words = vocabularyOf([run]);
const options = (text: string) => complete(text, text.length, words).options;

test("words keep quoted texts together, with what is before the dot", () => {
  expect(wordsOf("metrics.`a b`<1 and params.x = 'p and q'").map((w) => w.text)).toEqual(["metrics.`a b`", "<", "1", "and", "params.x", "=", "'p and q'"]);
  expect(wordsOf("tags.a = 'open and").map((w) => w.text)).toEqual(["tags.a", "=", "'open and"]);
});

test("comparisons are taken away one by one", () => {
  const clauses = clausesOf("metrics.loss < 1 AND params.x = 'a or b' or tags.t IS NULL");
  expect(clauses).toEqual([
    { join: "", text: "metrics.loss < 1" },
    { join: "and", text: "params.x = 'a or b'" },
    { join: "or", text: "tags.t IS NULL" },
  ]);
  expect(without(clauses, 0)).toBe("params.x = 'a or b' or tags.t IS NULL");
  expect(without(clauses.slice(0, 1), 0)).toBe("");
});

test("alternatives in parentheses are one part, and lose them when they are all that is left", () => {
  const clauses = clausesOf("(metrics.loss < 1 or (params.x = ')' and tags.t = 'a')) AND attributes.run_id IN ('a', 'or')");
  expect(clauses).toEqual([
    { join: "", text: "(metrics.loss < 1 or (params.x = ')' and tags.t = 'a'))" },
    { join: "and", text: "attributes.run_id IN ('a', 'or')" },
  ]);
  expect(without(clauses, 1)).toBe("metrics.loss < 1 or (params.x = ')' and tags.t = 'a')");
  expect(without(clauses, 0)).toBe("attributes.run_id IN ('a', 'or')");
  expect(without(clausesOf("a = 1 and (b = 2) or (c = 3)"), 0)).toBe("(b = 2) or (c = 3)");
  expect(without([{ join: "", text: "(b = 2) or (c = 3)" }, { join: "and", text: "x" }], 1)).toBe("(b = 2) or (c = 3)");
  expect(clausesOf("a = 1) and b = 2")).toHaveLength(2);
});

test("a further comparison narrows every alternative", () => {
  expect(withClause("", "a = 1")).toBe("a = 1");
  expect(withClause("x < 1", "a = 1")).toBe("x < 1 and a = 1");
  expect(withClause("x < 1 and y < 2 or z < 3", "a = 1")).toBe("(x < 1 and y < 2 or z < 3) and a = 1");
  expect(withClause("(x < 1 or z < 3) and y < 2", "a = 1")).toBe("(x < 1 or z < 3) and y < 2 and a = 1");
});

test("fields, comparators, values and joints are offered where they fit", () => {
  expect(options("lo")).toEqual(["metrics.loss", "metrics.`val/loss`"]);
  expect(options("params.o")).toEqual(["params.opt"]);
  expect(options("metrics.loss ")[0]).toBe("<");
  expect(options("params.opt ")).toEqual(["=", "!=", "LIKE", "ILIKE", "IS NULL", "IS NOT NULL"]);
  expect(options("params.opt = ")).toEqual(["'adam'"]);
  expect(options("params.opt = 'ad")).toEqual(["'adam'"]);
  expect(options("tags.team = ")).toEqual(['"vis\'ion"']);
  expect(options("attributes.status = 'r")).toEqual(["'RUNNING'"]);
  expect(options("params.opt = 'adam' ")).toEqual(["and", "or"]);
  expect(options("params.opt = 'adam' and met")).toEqual(["metrics.loss", "metrics.`val/loss`"]);
  expect(options("metrics.loss < 0.")).toEqual([]);
  expect(options("(lo")).toEqual(["metrics.loss", "metrics.`val/loss`"]);
  expect(options("params.opt = 'adam' and ((params.opt ")[0]).toBe("=");
  expect(options("(params.opt = 'adam' ")).toEqual([")", "and", "or"]);
  expect(options("(params.opt = 'adam' or metrics.loss < 1) ")).toEqual(["and", "or"]);
  expect(options("(params.opt = 'adam') or met")).toEqual(["metrics.loss", "metrics.`val/loss`"]);
});

test("what is chosen takes the place of what was typed", () => {
  expect(completed("params.o = 1", complete("params.o = 1", 8, words), "params.opt")).toEqual({ text: "params.opt = 1", caret: 11 });
  expect(completed("lo", complete("lo", 2, words), "metrics.loss")).toEqual({ text: "metrics.loss ", caret: 13 });
});

test("values that no quotes hold are not offered", () => {
  expect(quoteValue(`a'b"c`)).toBeNull();
  expect(quoteValue("it's")).toBe(`"it's"`);
});

test("the word that a refusal names is found, else the last one", () => {
  const wrong = (filter: string, message: string) => wrongWord(filter, message)?.text;
  expect(wrong("metric.loss < 1 and parms.x = 'a'", "Invalid entity type 'parms'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']")).toBe("parms.x");
  expect(wrong("metrics.loss < adam", "Expected numeric value type for metric. Found adam")).toBe("adam");
  expect(wrong("metrics.loss <", "Invalid clause(s) in filter string: 'metrics.loss', '<'")).toBe("metrics.loss");
  expect(wrong("attributes.state = 'x'", "Invalid attribute key 'state' specified. Valid keys are '...'")).toBe("attributes.state");
  expect(wrong("params.x =", "something else")).toBe("=");
  const at = (filter: string, message: string) => wrongWord(filter, message)?.from;
  expect(at("params.`😀` = '1' OR x = '2' OR", "Invalid filter: a comparison must follow 'OR' at character 29")).toBe(29);
  expect(at("(a = '1') and (b = '2'", "Invalid filter: '(' at character 15 is not closed")).toBe(14);
  expect(wrongWord("", "x")).toBeNull();
});
