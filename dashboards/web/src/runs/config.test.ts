import { expect, test } from "vitest";

import { configTree, seenRows } from "./config";

const tree = (params: Record<string, string>) => configTree(new Map(Object.entries(params)));
const drawn = (params: Record<string, string>, search = "", turned: string[] = []) =>
  seenRows(tree(params), new Set(turned), search).map((r) => `${"  ".repeat(r.depth)}${r.node.key}${r.node.value === null ? "" : `=${r.node.value}`}${r.open ? " v" : ""}`);

test("keys nest at dots and slashes, and steps with nothing beside them are one", () => {
  expect(drawn({ "model.layers": "24", "model.width": "9", "data/path": "c", "opt.schedule.kind": "cosine", seed: "7" })).toEqual([
    "model v",
    "  layers=24",
    "  width=9",
    "data/path=c",
    "opt.schedule.kind=cosine",
    "seed=7",
  ]);
});

test("a key that has both a value and keys below it keeps both", () => {
  expect(drawn({ opt: "adam", "opt.lr": "1", "opt/wd": "2" })).toEqual(["opt=adam v", "  lr=1", "  wd=2"]);
});

test.each(["a..b", ".a", "a.", "/", "..", "", `${"a.".repeat(40)}b`])("%j is no path", (key) => expect(tree({ [key]: "1", [`${key}x`]: "2" })[0]?.key).toBe(key));

test("JSON stands as its text and opens into its own keys", () => {
  const params = { "c.json": '{"a.b": {"deep": [1, {"x": null}]}, "s": "text"}', "c.n": "1" };
  expect(drawn(params)).toEqual(["c v", `  json=${params["c.json"]}`, "  n=1"]);
  expect(drawn(params, "", ["c.json", "c.json\na.b", "c.json\na.b\ndeep"])).toEqual([
    "c v",
    `  json=${params["c.json"]} v`,
    '    a.b={"deep":[1,{"x":null}]} v',
    '      deep=[1,{"x":null}] v',
    "        0=1",
    '        1={"x":null}',
    "    s=text",
    "  n=1",
  ]);
});

test.each(["[0.9, 0.95]", "{'a': 1}", "{broken", "{}", '{"id": 12345678901234567890}', `[${"[".repeat(40_000)}`, `{"a":"${"x".repeat(70_000)}"}`])(
  "the value %j stays a text",
  (value) => expect(tree({ v: value })).toEqual([{ key: "v", path: "v", value, folded: false, children: [] }]),
);

test("JSON nested deeper than anyone reads does no harm", () => {
  expect(seenRows(tree({ v: "[".repeat(20_000) + "]".repeat(20_000) }), new Set(), "x")).toEqual([]);
});

test("a search finds keys, whole paths and values, with what is above and below", () => {
  const params = { "model.layers": "24", "model.width": "9", opt: '{"name": "adamw", "lr": 1}', seed: "7" };
  expect(drawn(params, "MODEL.w")).toEqual(["model v", "  width=9"]);
  expect(drawn(params, "model")).toEqual(["model v", "  layers=24", "  width=9"]);
  expect(drawn(params, "24")).toEqual(["model v", "  layers=24"]);
  expect(drawn(params, "opt.name")).toEqual([`opt=${params.opt} v`, "  name=adamw"]);
  expect(drawn(params, "nothing")).toEqual([]);
});

test("what is folded stays folded, but for what a search finds below", () => {
  const params = { "a.x": "1", "a.y": "2", b: "3" };
  expect(drawn(params, "", ["a"])).toEqual(["a", "b=3"]);
  expect(drawn(params, "y", ["a"])).toEqual(["a v", "  y=2"]);
});
