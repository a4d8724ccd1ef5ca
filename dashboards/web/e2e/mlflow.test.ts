// MLflow's own page, out of the installed wheel, over our API in a real browser.

import { existsSync, readdirSync } from "node:fs";
import { resolve } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";

import { findChromium, Visitor } from "./browser";
import { missing, startServer, type Server } from "./server";

const venv = resolve(import.meta.dirname, "../../../.build/venv");
const wheel = wheelFolder();
const chromium = findChromium();
const reason =
  missing() ?? (chromium ? null : "Chromium is missing: apt-get install chromium") ?? (wheel ? null : `mlflow is not in ${venv}: make venv`);
if (reason) console.log(`skipped: ${reason}`);

/** What the page asks for and lives without: its assistant, sign-in and gateway are no part of a tracking server. */
const UNSERVED = /\/(users\/current|assistant\/|gateway-proxy|datasets\/search|gateway\/|scorers\/|review-queues\/|label-schemas\/|issues|jobs\/)/;

function wheelFolder(): string | null {
  const lib = resolve(venv, "lib");
  if (!existsSync(lib)) return null;
  const folders = readdirSync(lib).map((python) => resolve(lib, python, "site-packages/mlflow"));
  return folders.find((folder) => existsSync(folder)) ?? null;
}

describe.skipIf(reason !== null)("MLflow's page", () => {
  let server: Server;
  let visitor: Visitor;
  let run: string;
  const refused: string[] = [];

  beforeAll(async () => {
    server = await startServer("--mlflow-ui", wheel as string);
    visitor = await Visitor.start(server.url, chromium as string);
    run = await seed(server.url);
  });

  afterAll(async () => {
    await visitor?.stop();
    await server?.stop();
  });

  /** A page of MLflow's, once it shows a text. */
  async function open(hash: string, text: string | RegExp, shot: string): Promise<Page> {
    const page = await visitor.open("version"); // an origin to stand on while the listeners are set
    page.on("response", (r) => {
      if (r.status() >= 400 && !UNSERVED.test(r.url())) refused.push(`${r.status()} ${r.request().method()} ${r.url()}`);
    });
    await page.goto(`${server.url}/mlflow/${hash}`);
    await page.getByText(text).first().waitFor();
    await visitor.shoot(page, shot);
    return page;
  }

  test("lists the experiments", async () => {
    const page = await open("#/experiments", "grapes", "mlflow-experiments");
    await page.context().close();
  });

  test("shows the table of runs and a chart", async () => {
    const page = await open("#/experiments/1/runs", "first harvest", "mlflow-runs");
    await page.context().close();
    const charts = await open("#/experiments/1/runs?compareRunsMode=CHART", "Model metrics", "mlflow-charts");
    await charts.locator(".js-plotly-plot, .plot-container").first().waitFor();
    await charts.context().close();
  });

  test("shows a run with its params and metrics", async () => {
    const page = await open(`#/experiments/1/runs/${run}`, "learning_rate", "mlflow-run");
    await page.getByText("loss").first().waitFor();
    await page.context().close();
  });

  test("shows a registered model and its version", async () => {
    const page = await open("#/models/wine", "Version 1", "mlflow-model");
    await page.getByText("champion").first().waitFor();
    await page.context().close();
  });

  test("was refused nothing that it needs, and asked nobody else", () => {
    expect([...new Set(refused)]).toEqual([]);
    expect(visitor.foreign).toEqual([]);
  });
});

/** One run with a curve, and a registered model made from it; the run's id. */
async function seed(url: string): Promise<string> {
  const post = async <T>(path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${url}/api/2.0/mlflow/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  await post("experiments/create", { name: "grapes" });
  const now = Date.now();
  const started = { experiment_id: "1", run_name: "first harvest", start_time: now };
  const { run } = await post<{ run: { info: { run_id: string } } }>("runs/create", started);
  const id = run.info.run_id;
  const metrics = Array.from({ length: 50 }, (_, step) => ({ key: "loss", value: 1 / (step + 1), timestamp: now + step, step }));
  await post("runs/log-batch", { run_id: id, metrics, params: [{ key: "learning_rate", value: "0.1" }] });
  await post("registered-models/create", { name: "wine" });
  await post("model-versions/create", { name: "wine", source: `mlflow-artifacts:/1/${id}/artifacts/model`, run_id: id });
  await post("registered-models/alias", { name: "wine", alias: "champion", version: "1" });
  return id;
}
