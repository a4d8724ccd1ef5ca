import { expect, test } from "vitest";

import { opened, sectionsOf, turn } from "./sections";

test("sections are the prefixes: plain names first, machines last, the others by name", () => {
  expect(sectionsOf(["val/loss", "system/cpu", "loss", "train/loss", "val/acc", "/odd", "rank_3/x"])).toEqual([
    { name: "charts", keys: ["/odd", "loss"] },
    { name: "train", keys: ["train/loss"] },
    { name: "val", keys: ["val/acc", "val/loss"] },
    { name: "rank_3", keys: ["rank_3/x"] },
    { name: "system", keys: ["system/cpu"] },
  ]);
});

test("numbers in names count as numbers", () => {
  expect(sectionsOf(["layer/10/g", "layer/9/g"])[0]?.keys).toEqual(["layer/9/g", "layer/10/g"]);
});

test("a section comes when its first metric does, and the others stay", () => {
  const before = sectionsOf(["train/loss"]);
  expect(sectionsOf(["train/loss", "val/loss"])).toEqual([...before, { name: "val", keys: ["val/loss"] }]);
});

test("the first section is open, large ones after it are closed, and both can be turned", () => {
  const sections = sectionsOf(["a/1", "b/1", "b/2", "b/3"]);
  expect([...opened(sections, [], 10)]).toEqual(["a", "b"]);
  expect([...opened(sections, [], 2)]).toEqual(["a"]);
  expect([...opened(sections, turn(turn([], "a", false), "b", true), 2)]).toEqual(["b"]);
  expect(turn(["-a", "+b"], "a", true)).toEqual(["+b", "+a"]);
});
