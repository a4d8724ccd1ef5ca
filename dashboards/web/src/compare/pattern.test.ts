import { expect, test } from "vitest";

import { parsePattern } from "./pattern";

const names = ["train/loss", "val/loss", "Val/acc", "layers/1/grad_norm", "layers/10/grad%norm", "a.b"];
const found = (text: string) => names.filter((n) => parsePattern(text)?.matches(n));

test.each<[string, object, string[]]>([
  ["", {}, names],
  ["  ", {}, names],
  ["val", { contains: "val" }, ["val/loss", "Val/acc"]],
  ["layers/*", { like: "layers/%" }, ["layers/1/grad_norm", "layers/10/grad%norm"]],
  ["*grad_norm", { like: "%grad\\_norm" }, ["layers/1/grad_norm"]],
  ["*a.b*", { like: "%a.b%" }, ["a.b"]],
  ["/^(train|val)/", { regex: "^(train|val)" }, ["train/loss", "val/loss"]],
  ["a.b", { contains: "a.b" }, ["a.b"]],
])("%j asks %j", (text, query, expected) => {
  expect(parsePattern(text)?.query).toEqual(query);
  expect(found(text)).toEqual(expected);
});

test("a broken regular expression is none", () => expect(parsePattern("/(/")).toBeNull());
