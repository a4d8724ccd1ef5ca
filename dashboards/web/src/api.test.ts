import { afterEach, expect, test, vi } from "vitest";

import { ApiError, artifactURL, getHealth, getRun, importanceOf, metricNames, readSeries, listArtifacts, newestRun, searchRuns } from "./api";

afterEach(() => vi.unstubAllGlobals());

/** Answers every request alike, and gives back what was asked. */
function answer(status: number, body: string) {
  const asked = vi.fn((_path: string, _init?: RequestInit) => Promise.resolve(new Response(body, { status })));
  vi.stubGlobal("fetch", asked);
  return asked;
}

test("a run is read with the texts of NaN and infinities, and without what is unset", async () => {
  const metrics = [
    { key: "a", value: "NaN", timestamp: 5, step: "7" },
    { key: "b", value: "-Infinity" },
  ];
  answer(200, JSON.stringify({ run: { info: { run_id: "0123456789", experiment_id: "1", status: "RUNNING" }, data: { metrics } } }));
  const run = await getRun("0123456789");
  expect(run).toMatchObject({ name: "01234567", end: null, deleted: false });
  expect(run.metrics.get("a")).toEqual({ value: NaN, step: 7, time: 5 });
  expect(run.metrics.get("b")?.value).toBe(-Infinity);
});

test("a run is read with its datasets and models", async () => {
  const dataset_inputs = [
    { tags: [{ key: "mlflow.data.context", value: "training" }], dataset: { name: "grapes", digest: "abc", source_type: "local" } },
    { dataset: { name: "bare" } },
  ];
  const wire = {
    info: { run_id: "r", experiment_id: "1", status: "FINISHED" },
    inputs: { dataset_inputs, model_inputs: [{ model_id: "m-2" }] },
    outputs: { model_outputs: [{ model_id: "m-1", step: 0 }] },
  };
  answer(200, JSON.stringify({ run: wire }));
  const run = await getRun("r");
  expect(run.datasets).toEqual([
    { name: "grapes", digest: "abc", context: "training", source: "local" },
    { name: "bare", digest: "", context: "", source: "" },
  ]);
  expect(run.models).toEqual([
    { id: "m-1", made: true },
    { id: "m-2", made: false },
  ]);
});

test("the newest run is asked for in all experiments, and not without any", async () => {
  const asked = answer(200, '{"runs":[{"info":{"run_id":"r","experiment_id":"7","status":"RUNNING","start_time":5}}]}');
  expect(await newestRun([])).toBeNull();
  expect(asked).not.toHaveBeenCalled();
  const experiments = ["7", "8"].map((id) => ({ id, name: id, created: 0, updated: 0 }));
  expect(await newestRun(experiments)).toEqual({ experiment: "7", start: 5 });
  const [path, sent] = asked.mock.lastCall ?? [];
  expect(path).toBe("v1/runs/search");
  expect(JSON.parse(String(sent?.body))).toMatchObject({ experiment_ids: ["7", "8"], max_results: 1, metrics: [], other_metrics: 0 });
});

test("files are a run's or a model's", async () => {
  const asked = answer(200, '{"files":[{"path":"a","is_dir":true}]}');
  expect(await listArtifacts({ kind: "run", id: "r" }, "a b")).toEqual([{ path: "a", folder: true, size: null }]);
  expect(asked.mock.lastCall?.[0]).toBe("ajax-api/2.0/mlflow/artifacts/list?run_id=r&path=a+b");
  await listArtifacts({ kind: "model", id: "m-1" }, "a b");
  expect(asked.mock.lastCall?.[0]).toBe("ajax-api/2.0/mlflow/logged-models/m-1/artifacts/directories?artifact_directory_path=a+b");
  expect(artifactURL({ kind: "model", id: "m-1" }, "a/b")).toBe("ajax-api/2.0/mlflow/logged-models/m-1/artifacts/files?artifact_file_path=a%2Fb");
});

test("a search sends a page token only if there is one", async () => {
  const asked = answer(200, "{}");
  const search = { experiment: "1", filter: "", orderBy: [], max: 5 };
  expect(await searchRuns({ ...search, token: null })).toEqual({ items: [], next: null });
  expect(asked.mock.lastCall?.[1]?.body).not.toContain("page_token");
  await searchRuns({ ...search, token: "abc" });
  expect(asked.mock.lastCall?.[1]?.body).toContain('"page_token":"abc"');
});

test("a table asks for the metrics that it shows, and knows of which runs there are more", async () => {
  const info = (run_id: string) => ({ info: { run_id, experiment_id: "1", status: "FINISHED" } });
  const asked = answer(200, JSON.stringify({ runs: [info("a"), info("b")], more_metrics: ["b"], next_page_token: "n" }));
  const page = await searchRuns({ experiment: "1", filter: "", orderBy: [], max: 5, token: null, metrics: ["loss"], otherMetrics: 0 });
  expect(asked.mock.lastCall?.[0]).toBe("v1/runs/search");
  expect(JSON.parse(String(asked.mock.lastCall?.[1]?.body))).toMatchObject({ metrics: ["loss"], other_metrics: 0 });
  expect(page.items.map((r) => Boolean(r.moreMetrics))).toEqual([false, true]);
  expect(page.next).toBe("n");
  answer(200, "{}");
  await searchRuns({ experiment: "1", filter: "", orderBy: [], max: 5, token: null });
});

test("series are asked for with their range", async () => {
  const asked = answer(200, '{"series":[]}');
  const ask = { runs: ["r"], keys: ["a b"], axis: "step" as const, buckets: 500 };
  expect(await readSeries({ ...ask, range: { from: -1, to: 9 } })).toEqual([]);
  expect(asked.mock.lastCall?.[0]).toBe("v1/series");
  const body = JSON.parse(String(asked.mock.lastCall?.[1]?.body)) as object;
  expect(body).toMatchObject({ run_ids: ["r"], keys: ["a b"], axis: "step", buckets: 500, from: -1, to: 9 });
  await readSeries({ ...ask, range: null });
  expect(asked.mock.lastCall?.[1]?.body).not.toContain("from");
});

test("importance is asked of all runs of a filter", async () => {
  const asked = answer(200, '{"runs":9,"runs_without":1,"more":false,"explained":0.5,"params":[]}');
  expect(await importanceOf(["3", "4"], "metrics.x < 1", "loss")).toEqual({ runs: 9, without: 1, more: false, explained: 0.5, params: [] });
  expect(JSON.parse(String(asked.mock.lastCall?.[1]?.body))).toEqual({ experiment_ids: ["3", "4"], filter: "metrics.x < 1", metric: "loss" });
});

test("names of metrics are asked for by pattern, page by page", async () => {
  const asked = answer(200, '{"metrics":[{"key":"a"}],"next_page_token":"n"}');
  expect(await metricNames("r", { regex: "^a&b" }, 10, "t")).toEqual({ items: ["a"], next: "n" });
  expect(asked.mock.lastCall?.[0]).toBe("v1/runs/r/metrics?regex=%5Ea%26b&max_results=10&page_token=t");
});

test.each([
  [400, '{"error_code":"INVALID_PARAMETER_VALUE","message":"no such thing"}', "INVALID_PARAMETER_VALUE", "no such thing"],
  [502, "Bad Gateway", "502", "Bad Gateway"],
  [500, "", "500", "The server answered with status 500."],
  [200, "<html>", "NO_JSON", "something that is not JSON"],
])("status %d with %j is an error that says so", async (status, body, code, message) => {
  answer(status, body);
  const error = (await getRun("x").catch((e: unknown) => e)) as ApiError;
  expect(error).toBeInstanceOf(ApiError);
  expect([error.status, error.code]).toEqual([status, code]);
  expect(error.message).toContain(message);
});

test("no answer has status 0, a dropped request stays what it is", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("network")));
  await expect(getRun("x")).rejects.toMatchObject({ status: 0 });
  await expect(getRun("x", AbortSignal.abort())).rejects.toBeInstanceOf(TypeError);
});

test("health is null or the reason", async () => {
  answer(200, "OK");
  expect(await getHealth()).toBeNull();
  answer(503, "engine is starting\n");
  expect(await getHealth()).toBe("engine is starting");
});
