import { afterEach, expect, test, vi } from "vitest";

import { findHere, findThere } from "./finder";

const experiments = ["vision", "llm/7b", "Default"].map((name, i) => ({ id: String(i + 1), name, created: 0, updated: 0 }));

afterEach(() => vi.unstubAllGlobals());

test("pages are there at once, experiments as soon as something is typed", () => {
  expect(findHere("", experiments).map((f) => f.name)).toEqual(["Runs", "Compare", "Models", "Lineage", "SQL", "Alerts"]);
  expect(findHere(" LLM ", experiments)).toEqual([{ kind: "experiment", name: "llm/7b", where: "", hash: "#/runs?exp=2" }]);
});

test("runs, models and metrics come from the server, once each, and what fails takes nothing from the others", async () => {
  const run = (id: string, name: string) => ({ info: { run_id: id, run_name: name, experiment_id: "1", status: "FINISHED" } });
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (path: string, init: RequestInit = {}) => {
    const body = typeof init.body === "string" ? (JSON.parse(init.body) as { filter: string; experiment_ids: string[] }) : null;
    if (body) asked.push(`${body.experiment_ids.join()} ${body.filter}`);
    if (path.includes("registered-models")) return new Response("{}", { status: 403 });
    if (path.includes("/metrics")) return Response.json({ metrics: [{ key: "abc123/loss" }] });
    return Response.json({ runs: body?.experiment_ids[0] === "1" ? [run("abc123ff", "first")] : [] });
  });
  const found = await findThere("abc123", "1", experiments, new AbortController().signal);
  expect(found).toEqual([
    { kind: "run", name: "first", where: "vision", hash: "#/runs/abc123ff" },
    { kind: "metric", name: "abc123/loss", where: "vision", hash: "#/compare?exp=1&search=abc123%2Floss" },
  ]);
  expect(asked).toContain("3 attributes.run_name ILIKE '%abc123%'");
  expect(asked).toContain("1 attributes.run_id LIKE 'abc123%'");
});
