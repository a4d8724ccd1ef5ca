import { expect, test } from "vitest";

import { decodeValue, mlflowImages, newestLaunch, stepAt, stepsOf, tableOf, thinned, type WireValue } from "./logged";

const at = { step: 3, rank: 1, attempt: 0 };

test.each<[string, Partial<WireValue>, object]>([
  ["a text", { kind: "text", text: "<b>hi" }, { as: "text", text: "<b>hi" }],
  ["a table", { kind: "json", json: { _type: "table", columns: ["a"], data: [[1]] } }, { as: "table", table: { columns: ["a"], rows: [[1]] } }],
  ["other JSON", { kind: "json", json: [1] }, { as: "text", text: "[\n  1\n]" }],
  ["a histogram", { kind: "histogram", histogram: { edges: [0, "Infinity"], counts: [2] } }, { as: "histogram", histogram: { edges: [0, Infinity], counts: [2] } }],
  ...["image/png image", "audio/wav audio", "video/mp4 video", "text/html html", "text/plain text file", "application/vnd.streamgauge.table+json table file", "application/x file"].map(
    (pair): [string, Partial<WireValue>, object] => {
      const [type = "", ...as] = pair.split(" ");
      return [type, { kind: "artifact", artifact: { path: "media/x", size_bytes: 5, media_type: type } }, { as: as.join(" "), path: "media/x", bytes: 5 }];
    },
  ),
])("%s is shown as what it is", (_, wire, shown) => expect(decodeValue({ ...at, kind: "text", ...wire })).toEqual({ ...at, shown }));

test("what has no rows is no table", () => {
  for (const json of [null, 1, {}, { columns: ["a"] }, { columns: ["a"], data: [1] }]) expect(tableOf(json)).toBeNull();
});

test("a step shows what was logged last by then", () => {
  expect([stepAt([0, 10, 20], 15), stepAt([0, 10], null), stepAt([5], 4), stepAt([], null)]).toEqual([10, 10, null, null]);
});

test("of a run that was launched again the newest launch counts, step by step", () => {
  const value = (step: number, attempt: number) => ({ ...at, step, attempt, shown: { as: "text" as const, text: "" } });
  expect(newestLaunch([value(1, 5), value(1, 7), value(2, 5)]).map((v) => [v.step, v.attempt])).toEqual([[1, 7], [2, 5]]);
});

test("MLflow's images are found by their names, whichever client has written them", () => {
  const [u, t] = ["0b1c2d3e-0000-4000-8000-000000000000", "1760000000000"];
  const keys = mlflowImages([
    `images/val~sample+step+10+timestamp+${t}+${u}.png`,
    `images/val~sample+step+10+timestamp+${t}+${u}+compressed.webp`,
    `images/val~sample+step+2+timestamp+${t}+${u}.png`,
    `images/old%step%-1%timestamp%${t}%${u}.png`,
    `images/old%step%-1%timestamp%${t}%${u}%compressed.webp`,
    "images/plain.png",
  ]);
  expect(keys.map((k) => [k.key, k.steps, [...(k.files?.values() ?? [])].flat().length])).toEqual([["val/sample", [2, 10], 2], ["old", [-1], 1]]);
  expect(stepsOf(keys)).toEqual([-1, 2, 10]);
});

test("of many steps some are taken, with the first and the last", () => {
  expect(thinned(Array.from({ length: 101 }, (_, i) => i), 5)).toEqual([0, 25, 50, 75, 100]);
  expect(thinned([1, 2], 5)).toEqual([1, 2]);
});
