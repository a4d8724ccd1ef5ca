import { expect, test } from "vitest";

import type { Version } from "../registered";
import { aliasesOf, chunksOf, nodesOf, sorted, usesIn, type Use } from "./uses";

const version = (number: number, more: Partial<Version> = {}): Version => ({
  model: "wine 50%", number, stage: "None", created: 100, user: "", description: "", source: "", run: null, logged: null, aliases: [], tags: new Map(), ...more,
});

test("a version stands in the graph as itself, as a logged model and as a place", () => {
  expect(nodesOf(version(2))).toEqual(["version:wine 50%25/2", "source:models:/wine 50%25/2"]);
  expect(nodesOf(version(2, { logged: "m-1", source: "models:/m-1" }))).toContain("model:m-1");
  expect(nodesOf(version(2, { source: "s3a://bucket/path/" })).at(-1)).toBe("source:s3://bucket/path");
  expect(nodesOf(version(2, { source: "runs:/0123/model" }))).toHaveLength(2);
});

test("endpoints, runs and jobs are found through all that stands for a version, each once", () => {
  const versions = [version(1, { logged: "m-1" }), version(2, { logged: "m-1", source: "s3://b/x" })];
  const uses = usesIn(
    {
      nodes: [
        { node: "endpoint:e", kind: "endpoint", name: "eu", distance: 1, attributes: { url: "https://a" } },
        { node: "run:r", kind: "run", name: "evaluation", distance: 1, attributes: { status: "FINISHED" } },
        { node: "job-run:j", kind: "job-run", name: "nightly", distance: 1, attributes: { state: "COMPLETE" } },
      ],
      edges: [
        { from: "version:wine 50%25/2", to: "endpoint:e", kind: "serves", since_ms: 5, until_ms: 9 },
        { from: "model:m-1", to: "run:r", kind: "input", since_ms: 6 },
        { from: "model:m-1", to: "version:wine 50%25/2", kind: "registered" },
        { from: "source:s3://b/x", to: "job-run:j", kind: "input", since_ms: 7 },
        { from: "source:models:/wine 50%25/2", to: "job-run:j", kind: "input", since_ms: 7 },
        { from: "version:wine 50%25/1", to: "table:t", kind: "wrote", recorded: true },
        { from: "source:elsewhere", to: "job-run:j", kind: "input" },
      ],
    },
    versions,
  );
  expect(uses.map((u) => [u.kind, u.name, u.version, u.since, u.until, u.said])).toEqual([
    ["endpoint", "eu", 2, 5, 9, "https://a"],
    ["run", "evaluation", 1, 6, null, "FINISHED"],
    ["run", "evaluation", 2, 6, null, "FINISHED"],
    ["job", "nightly", 2, 7, null, "COMPLETE"],
    ["table", "t", 1, 0, null, "wrote"],
  ]);
  expect(uses[1]?.href).toBe("#/runs/r");
  expect(uses[0]?.href).toContain("lineage");
});

test("aliases tell since when they point where they do", () => {
  const changes = [
    { alias: "champion", from: 1, to: 2, time: 50, by: "bob" },
    { alias: "champion", from: null, to: 1, time: 30, by: "ada" },
    { alias: "old", from: 2, to: null, time: 20, by: "" },
  ];
  const uses = aliasesOf({ name: "wine", aliases: [{ alias: "champion", version: 2 }, { alias: "imported", version: 1 }] }, changes);
  expect(uses.map((u) => [u.name, u.version, u.since, u.said])).toEqual([["@champion", 2, 50, "by bob"], ["@imported", 1, 0, ""]]);
});

test("what lasts stands before what is over, endpoints before the rest", () => {
  const use = (kind: string, since: number, until: number | null = null): Use => ({ id: `${kind}${since}`, kind, name: "", href: null, version: 1, since, until, said: "" });
  const order = sorted([use("table", 9), use("job", 3), use("endpoint", 1, 2), use("run", 4), use("run", 5), use("alias", 1), use("endpoint", 1)]);
  expect(order.map((u) => u.id)).toEqual(["endpoint1", "alias1", "run5", "run4", "job3", "table9", "endpoint1"]);
});

test("addresses stay short, and no more nodes go into one than the server takes", () => {
  expect(chunksOf([])).toEqual([]);
  expect(chunksOf(Array.from({ length: 450 }, (_, i) => `run:${i}`)).map((c) => c.length)).toEqual([200, 200, 50]);
  const long = Array.from({ length: 5 }, () => `version:${"é".repeat(1000)}/1`);
  expect(chunksOf(long).map((c) => c.length)).toEqual([2, 2, 1]);
  expect(chunksOf(["x".repeat(100_000), "y"]).map((c) => c.length)).toEqual([1, 1]);
});
