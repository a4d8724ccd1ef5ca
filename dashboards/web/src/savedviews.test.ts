import { expect, test } from "vitest";

import { readViews, VIEWS_MAX, withView, writeViews, type SavedView } from "./savedviews";

class Store {
  text: string | null = null;
  getItem = () => this.text;
  setItem = (_key: string, text: string) => void (this.text = text);
}

const view = (name: string, hash = "#/runs"): SavedView => ({ name, hash });

test("views come back, the newest first, one for each name", () => {
  const store = new Store();
  expect(writeViews(store, withView(withView(withView([], view("a")), view("b")), view("a", "#/sql")))).toBe(true);
  expect(readViews(store)).toEqual([view("a", "#/sql"), view("b")]);
});

test("what was damaged is left out, and a list has an end", () => {
  const store = new Store();
  store.text = JSON.stringify([view("a"), { name: "b", hash: "javascript:alert(1)" }, { name: "", hash: "#/x" }, 7, null]);
  expect(readViews(store)).toEqual([view("a")]);
  store.text = "{";
  expect(readViews(store)).toEqual([]);
  const many = Array.from({ length: VIEWS_MAX + 5 }, (_, i) => view(String(i)));
  expect(withView(many, view("new"))).toHaveLength(VIEWS_MAX);
});

test("a store that is full says so", () => {
  const full = { setItem: () => { throw new Error("quota"); } };
  expect(writeViews(full, [view("a")])).toBe(false);
  expect(writeViews(null, [view("a")])).toBe(false);
  expect(readViews(null)).toEqual([]);
});
