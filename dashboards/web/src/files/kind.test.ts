import { expect, test } from "vitest";

import { isTooLarge, kindOf, SHOWN_MAX } from "./kind";

test("a file is shown by the end of its name", () => {
  const shown = ["a/b.PNG", "x.svg", "MLmodel", "a/conda.yaml", "t.csv", "t.parquet", "r.html", "a.wav", "v.webm", "p.pdf", "c.json", "w.bin", "noend", "a.png/noend"];
  expect(shown.map(kindOf)).toEqual(["image", "image", "text", "text", "csv", "parquet", "html", "audio", "video", "pdf", "json", "none", "none", "none"]);
});

test("only what is known to be larger is too large", () => {
  expect(isTooLarge("text", SHOWN_MAX.text)).toBe(false);
  expect(isTooLarge("text", (SHOWN_MAX.text ?? 0) + 1)).toBe(true);
  expect(isTooLarge("text", null)).toBe(false);
  expect(isTooLarge("video", 1e12)).toBe(false);
});
