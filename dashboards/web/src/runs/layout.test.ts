import { expect, test } from "vitest";

import * as L from "./layout";

const fields = (layout: L.Layout) => new Map(L.layoutFields(layout));
const parsed = (texts: readonly string[]) => L.parseLayout(new Map([["cols", texts]])).columns as readonly L.TableColumn[];
const ids = (columns: readonly L.TableColumn[]) => columns.map(L.columnID).join(" ");

test("a link from before attributes could be chosen has the three of then, and is written as short", () => {
  const columns = parsed(["params.lr", "metrics.loss"]);
  expect(ids(columns)).toBe("state created duration params.lr metrics.loss");
  expect(fields({ ...L.NO_LAYOUT, columns }).get("cols")).toEqual(["params.lr", "metrics.loss"]);
});

test("every layout comes back as it was written", () => {
  for (const texts of [["state", "params.lr", "created"], ["-", "~min.a.b", "max.loss", "tags.x:y"], ["-"], ["state", "created", "duration"]]) {
    const columns = texts.map(L.parseTableColumn).filter((c) => c !== null);
    expect(L.parseLayout(fields({ ...L.NO_LAYOUT, columns })).columns).toEqual(columns);
  }
  const widths = new Map([["metrics.a:b", 120], ["name", 300]]);
  expect(L.parseLayout(fields({ columns: null, pinned: ["min.loss"], widths }))).toEqual({ columns: null, pinned: ["min.loss"], widths });
});

test("what no table has is left out", () => {
  expect(parsed(["state", "nothing", "metrics.", "~params.lr", "~state", "state"]).map(L.columnID)).toEqual(["state"]);
  expect(L.parseLayout(new Map([["w", ["loss:abc", "a:1e9", ":5", "b:1"]]])).widths).toEqual(new Map([["a", L.WIDTH_MAX], ["b", L.WIDTH_MIN]]));
});

test("columns move before others, by one place, and pinned ones come first", () => {
  const columns = parsed(["state", "params.a", "params.b", "params.c"]);
  expect(ids(L.moved(columns, "params.c", "params.a"))).toBe("state params.c params.a params.b");
  expect(ids(L.moved(columns, "state", null))).toBe("params.a params.b params.c state");
  expect(L.moved(columns, "state", "gone")).toBe(columns);
  expect(ids(L.nudged(columns, "params.a", 1))).toBe("state params.b params.a params.c");
  expect(L.nudged(columns, "state", -1)).toBe(columns);
  const { columns: first, pinned } = L.arranged(columns, ["params.c", "gone"]);
  expect([ids(first), pinned]).toEqual(["params.c state params.a params.b", 1]);
});

test("the server sorts by what it knows, the page by the rest", () => {
  const by = (column: string) => L.serverSort({ column, descending: true })?.column ?? null;
  expect(["metrics.loss", "params.lr", "created", "min.loss", "user", "name"].map(by)).toEqual(["metrics.loss", "params.lr", "created", null, null, "name"]);
});

test("columns are found by a part of the name or a pattern", () => {
  const names = ["train/loss", "val/loss", "Lr"];
  expect(names.filter(L.found("LOSS") as (n: string) => boolean)).toEqual(["train/loss", "val/loss"]);
  expect(names.filter(L.found("/^val|^lr$/") as (n: string) => boolean)).toEqual(["val/loss", "Lr"]);
  expect(L.found("/(/")).toBeNull();
});
