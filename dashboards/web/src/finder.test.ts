import { afterEach, expect, test, vi } from "vitest";

import { findHere, findThere } from "./finder";

const experiments = ["vision", "llm/7b", "Default"].map((name, i) => ({ id: String(i + 1), name, created: 0, updated: 0 }));

afterEach(() => vi.unstubAllGlobals());

test("pages are there at once, experiments as soon as something is typed", () => {
  expect(findHere("", experiments).map((f) => f.name)).toEqual(["Runs", "Compare", "Models", "Lineage", "SQL", "Alerts"]);
  expect(findHere(" LLM ", experiments)).toEqual([{ kind: "experiment", name: "llm/7b", where: "", hash: "#/runs?exp=2" }]);
});

/** A server with runs; gives the searches that it was asked, as `experiments filter`. */
function serve(runs: readonly { id: string; name: string; experiment: string }[]): string[] {
  const wire = (r: (typeof runs)[number]) => ({ info: { run_id: r.id, run_name: r.name, experiment_id: r.experiment, status: "FINISHED" } });
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (path: string, init: RequestInit = {}) => {
    const body = typeof init.body === "string" ? (JSON.parse(init.body) as { filter: string; experiment_ids: string[] }) : null;
    if (path.includes("registered-models")) return new Response("{}", { status: 403 });
    if (path.includes("/metrics")) return Response.json({ metrics: [{ key: "abc123/loss" }] });
    if (!body) {
      const run = runs.find((r) => path === `v1/runs/${r.id}`);
      return run ? Response.json({ run: wire(run) }) : new Response("{}", { status: 404 });
    }
    asked.push(`${body.experiment_ids.join()} ${body.filter}`);
    const part = /'%?([^%']*)%?'/.exec(body.filter)?.[1] ?? "";
    return Response.json({ runs: runs.filter((r) => body.experiment_ids.includes(r.experiment) && (r.name.includes(part) || r.id.startsWith(part))).map(wire) });
  });
  return asked;
}

test("runs, models and metrics come from the server, once each, and what fails takes nothing from the others", async () => {
  const asked = serve([{ id: "abc123ff", name: "first", experiment: "1" }]);
  const found = await findThere("abc123", "1", experiments, new AbortController().signal);
  expect(found).toEqual([
    { kind: "run", name: "first", where: "vision", hash: "#/runs/abc123ff" },
    { kind: "metric", name: "abc123/loss", where: "vision", hash: "#/compare?exp=1&search=abc123%2Floss" },
  ]);
  expect(asked).toContain("1,2,3 attributes.run_name ILIKE '%abc123%'");
  expect(asked).toContain("1,2,3 attributes.run_id LIKE 'abc123%'");
});

test("a run of the oldest of many experiments is found by its name, and any run by its whole id", async () => {
  const many = Array.from({ length: 16 }, (_, i) => ({ id: String(i + 1), name: `e${i + 1}`, created: 0, updated: 0 }));
  const id = "0123456789abcdef0123456789abcdef";
  serve([{ id, name: "boosting-07", experiment: "16" }]);
  const { signal } = new AbortController();
  const run = { kind: "run", name: "boosting-07", where: "e16", hash: `#/runs/${id}` };
  expect(await findThere("boosting-07", "1", many, signal)).toContainEqual(run);
  expect(await findThere(` ${id.toUpperCase()} `, "1", many, signal)).toContainEqual(run);
  expect(await findThere(id, null, [], signal)).toContainEqual({ ...run, where: "16" });
});

test("a search that the server does not answer is no search without a result", async () => {
  vi.stubGlobal("fetch", async () => Response.json({ error_code: "TEMPORARILY_UNAVAILABLE", message: "later" }, { status: 503 }));
  await expect(findThere("boosting", "1", experiments, new AbortController().signal)).rejects.toThrow("later");
});

test("which runs are the newest is asked once, not with each letter", async () => {
  const asked = serve([{ id: "abc123ff", name: "first", experiment: "1" }]);
  for (const text of ["l", "lo", "los"]) await findThere(text, "2", experiments, new AbortController().signal);
  expect(asked.filter((a) => a.endsWith(" "))).toHaveLength(2);
});
