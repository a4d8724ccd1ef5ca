import { expect, test } from "vitest";

import { factOf, layOut, lineOver, namedIn, nodeOf, pageOf, type Lineage } from "./graph";

const graph = (root: string, ...edges: readonly [string, string][]): Lineage => ({
  root,
  nodes: [...new Set([root, ...edges.flat()])].map((node) => ({ node, kind: "run", distance: 0 })),
  edges: edges.map(([from, to]) => ({ from, to, kind: "input" })),
});
const layers = (g: Lineage) => new Map(layOut(g).places.map((p) => [p.node.node, p.layer]));

test("edges lead from left to right, also where a shorter way leads to the same node", () => {
  const at = layers(graph("version", ["data", "run"], ["run", "model"], ["model", "version"], ["run", "version"], ["version", "endpoint"]));
  expect([...at]).toEqual(expect.arrayContaining([["data", 0], ["run", 1], ["model", 2], ["version", 3], ["endpoint", 4]]));
});

test("what nothing came before stands beside what needs it", () => {
  const at = layers(graph("run", ["a", "b"], ["b", "run"], ["commit", "run"]));
  expect(at.get("commit")).toBe(at.get("b"));
});

test("a circle is drawn, and every node once", () => {
  const { places } = layOut(graph("a", ["a", "b"], ["b", "c"], ["c", "a"], ["c", "c"]));
  expect(places.map((p) => p.node.node).sort()).toEqual(["a", "b", "c"]);
  expect(new Set(places.map((p) => `${p.layer} ${p.row}`)).size).toBe(3);
});

test("a layer is ordered so that its edges do not cross", () => {
  const { places } = layOut(graph("a1", ["a1", "b2"], ["a2", "b1"], ["a1", "c"], ["b2", "d2"], ["b1", "d1"]));
  const row = new Map(places.map((p) => [p.node.node, p.row]));
  expect(Math.sign((row.get("a1") ?? 0) - (row.get("a2") ?? 0))).toBe(Math.sign((row.get("b2") ?? 0) - (row.get("b1") ?? 0)));
});

test("an edge over a layer has a place of its own there, and does not pass behind a card", () => {
  const { places, through, rows } = layOut(graph("version", ["run", "model"], ["model", "version"], ["run", "version"], ["commit", "run"], ["commit", "version"]));
  const model = places.find((p) => p.node.node === "model");
  const row = through("version", model?.layer ?? NaN);
  expect(row).toBeDefined();
  expect(row).not.toBe(model?.row);
  expect(rows).toBe(2);
  expect(through("model", 0)).toBeUndefined();
});

test("a line is drawn over its stops", () => {
  expect(lineOver([[0, 0], [100, 10]])).toBe("M0 0C50 0 50 10 100 10");
  expect(lineOver([[0, 0], [100, 10], [200, 10], [300, 0]])).toBe("M0 0C50 0 50 10 100 10L200 10C250 10 250 0 300 0");
});

test("a long chain and an edge to a node that was left out are no trouble", () => {
  const chain = graph("n0", ...Array.from({ length: 2000 }, (_, i): [string, string] => [`n${i}`, `n${i + 1}`]));
  expect(layOut(chain).layers).toBe(2001);
  expect(layOut({ ...graph("a"), edges: [{ from: "a", to: "gone", kind: "input" }] }).places).toHaveLength(1);
});

test("nodes of ours have pages", () => {
  expect(pageOf("run:abc")).toBe("#/runs/abc");
  expect(pageOf("version:a b/3")).toBe("#/models/a%20b?version=3");
  expect(pageOf(nodeOf("version", "50 %2F é/3"))).toBe(`#/models/${encodeURIComponent("50 %2F é")}?version=3`);
  expect(namedIn("job:a%2Fb/c%C3%A9 100%")).toBe("a/b/cé 100%");
  expect(pageOf("dataset:wine@1")).toBeNull();
  expect(factOf({ node: "run:a", kind: "run", distance: 0, attributes: { status: "FAILED" }, until_ms: 5 })).toBe("FAILED, over");
  expect(factOf({ node: "version:a/b/12", kind: "version", distance: 0, attributes: { stage: "Staging" } })).toBe("v12, Staging");
});
