import { expect, test } from "vitest";

import { formatExpansion, join, mayHaveMore, parseExpansion } from "./expand";
import type { Lineage } from "./graph";

const answer = (root: string, distances: Record<string, number>, ...edges: readonly [string, string][]): Lineage => ({
  root,
  nodes: Object.entries(distances).map(([node, distance]) => ({ node, kind: "run", distance })),
  edges: edges.map(([from, to]) => ({ from, to, kind: "input" })),
});

test("an expansion is written into an address and read again", () => {
  const expansion = { way: "down", node: "dataset:up:a@1" } as const;
  expect(parseExpansion(formatExpansion(expansion))).toEqual(expansion);
  expect(["", "up:", "sideways:run:a", "run:a"].map(parseExpansion)).toEqual([null, null, null, null]);
});

test("what an expansion adds stands once, as far from the root as it is", () => {
  const walked = answer("run", { run: 0, data: -1 }, ["data", "run"]);
  const grown = join(walked, answer("data", { data: 0, run: 1, other: 1 }, ["data", "run"], ["data", "other"]));
  expect(grown.root).toBe("run");
  expect(grown.nodes.map((n) => [n.node, n.distance])).toEqual([["run", 0], ["data", -1], ["other", 0]]);
  expect(grown.edges.map((e) => e.to)).toEqual(["run", "other"]);
});

test("what an expanded node had left out is no longer left out", () => {
  const walked: Lineage = { ...answer("run", { run: 0, data: -1 }), nodes: [{ node: "run", kind: "run", distance: 0, more: true }] };
  expect(join(walked, answer("run", { run: 0 })).nodes[0]?.more).toBe(false);
});

test("a node may have more where the walk did not go, or was cut", () => {
  const at = (distance: number, more = false) => ({ node: "n", kind: "run", distance, more });
  const ask = { direction: "both", depth: 2 } as const;
  expect([-2, -1, 0, 1, 2].map((d) => mayHaveMore(at(d), "up", ask))).toEqual([true, false, false, true, true]);
  expect([-2, -1, 0, 1, 2].map((d) => mayHaveMore(at(d), "down", ask))).toEqual([true, true, false, false, true]);
  expect(mayHaveMore(at(0), "up", { direction: "down", depth: 2 })).toBe(true);
  expect(mayHaveMore(at(0, true), "up", ask)).toBe(true);
});
