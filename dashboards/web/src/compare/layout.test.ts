import { expect, test } from "vitest";

import { arranged, formatSize, hide, move, NO_STEPS, parseSize, pin, PLAIN_LAYOUT, recorded, redone, resize, shift, sizeOf, undone, type Layout } from "./layout";
import { sectionsOf } from "./sections";

const sections = sectionsOf(["train/a", "train/b", "train/c", "train/d", "loss"]);
const keys = (layout: Layout, of = sections) => arranged(of, layout).map((s) => [s.name, ...s.keys].join(" "));
const train = (layout: Layout) => arranged(sections, layout).find((s) => s.name === "train") ?? { name: "train", keys: [] };

test("pinned panels stand above, hidden ones nowhere, and empty sections are left out", () => {
  const layout = hide(pin(pin(PLAIN_LAYOUT, "train/b", true), "other", true), "loss", true);
  expect(keys(layout)).toEqual(["pinned train/b other", "train train/a train/c train/d"]);
  expect(keys(hide(layout, "train/b", true))[0]).toBe("pinned other");
  expect(keys(pin(layout, "other", true, "train/b"))[0]).toBe("pinned other train/b");
});

test("a panel moves before another, and only what changed is kept; new metrics follow by name", () => {
  const layout = move(PLAIN_LAYOUT, train(PLAIN_LAYOUT), "train/c", "train/a");
  expect(layout.order).toEqual(["train/c", "train/a", "train/b"]);
  expect(keys(layout)[1]).toBe("train train/c train/a train/b train/d");
  expect(keys(layout, sectionsOf(["train/a", "train/c", "train/aa"]))[0]).toBe("train train/c train/a train/aa");
  expect(keys(shift(layout, train(layout), "train/d", -1))[1]).toBe("train train/c train/a train/d train/b");
  expect(keys(shift(layout, train(layout), "train/c", 1))[1]).toBe("train train/a train/c train/b train/d");
  expect(shift(layout, train(layout), "train/c", -1)).toBe(layout);
  expect(keys(move(layout, train(layout), "train/c", null))[1]).toBe("train train/a train/b train/d train/c");
});

test("a pinned panel that is put into its section is not pinned any more", () => {
  const layout = pin(PLAIN_LAYOUT, "train/d", true);
  expect(keys(move(layout, train(layout), "train/d", "train/a"))).toEqual(["charts loss", "train train/d train/a train/b train/c"]);
});

test("sizes stay within the grid, and the plain one is not written", () => {
  const layout = resize(resize(PLAIN_LAYOUT, "a:b", { columns: 9, rows: 2 }), "c", { columns: 0, rows: 1 });
  expect([...layout.sizes].map(formatSize)).toEqual(["a:b:4x2"]);
  expect(parseSize("a:b:4x2")).toEqual(["a:b", { columns: 4, rows: 2 }]);
  expect(parseSize("a:9x1")).toBeNull();
  expect(sizeOf(resize(layout, "a:b", { columns: 1, rows: 1 }), "a:b")).toEqual({ columns: 1, rows: 1 });
});

test("steps go back and forth, and a change ends what lay ahead", () => {
  const two = recorded(recorded(NO_STEPS, "a"), "b");
  const back = undone(two, "c");
  expect(back).toEqual([{ past: ["a"], future: ["c"] }, "b"]);
  expect(redone(back?.[0] ?? two, "b")).toEqual([{ past: ["a", "b"], future: [] }, "c"]);
  expect(recorded(back?.[0] ?? two, "b").future).toEqual([]);
  expect([undone(NO_STEPS, "a"), redone(two, "c")]).toEqual([null, null]);
});
