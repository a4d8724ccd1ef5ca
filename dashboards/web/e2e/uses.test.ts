// Who uses a registered model; filters with parentheses; a table whose widest run has more metrics than anybody reads.

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { findChromium, violations, Visitor } from "./browser";
import { missing, startServer, type Server } from "./server";

const chromium = findChromium();
const reason = missing() ?? (chromium ? null : "Chromium is missing: apt-get install chromium");
if (reason) console.log(`skipped: ${reason}`);

const NAME = "wine & <b>“é” 50%";
const WIDE = 2500;
const AT_ONCE = 500;

describe.skipIf(reason !== null)("uses of a model, and searches", () => {
  let server: Server;
  let visitor: Visitor;
  let experiment = "";
  const runs: string[] = [];

  const ask = async <T>(method: string, path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${server.url}/${path}`, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return (text === "" ? {} : JSON.parse(text)) as T;
  };
  const post = <T>(path: string, body: unknown) => ask<T>("POST", `api/2.0/mlflow/${path}`, body);
  const model = (name: string) => `#/models/${encodeURIComponent(name)}`;

  beforeAll(async () => {
    server = await startServer();
    visitor = await Visitor.start(server.url, chromium as string);
    experiment = (await post<{ experiment_id: string }>("experiments/create", { name: "wine" })).experiment_id;
    const now = Date.now();
    for (const [i, opt] of ["adam", "sgd", "adam"].entries()) {
      const { run } = await post<{ run: { info: { run_id: string } } }>("runs/create", { experiment_id: experiment, run_name: `trial-${i}`, start_time: now + i });
      runs.push(run.info.run_id);
      await post("runs/log-batch", { run_id: run.info.run_id, metrics: [{ key: "loss", value: i / 10, step: 1, timestamp: now }], params: [{ key: "opt", value: opt }], tags: [{ key: "team", value: "a" }] });
    }
    for (let from = 0; from < WIDE; from += AT_ONCE) {
      const metrics = Array.from({ length: AT_ONCE }, (_, i) => ({ key: `layers/${String(from + i).padStart(5, "0")}/norm`, value: from + i, step: 1, timestamp: now }));
      await post("runs/log-batch", { run_id: runs[2], metrics });
    }
    await post("registered-models/create", { name: NAME });
    const made = { experiment_id: experiment, name: "forest", source_run_id: runs[0] };
    const logged = (await post<{ model: { info: { model_id: string } } }>("logged-models", made)).model.info.model_id;
    await post("model-versions/create", { name: NAME, source: `models:/${logged}`, run_id: runs[0], model_id: logged });
    await post("model-versions/create", { name: NAME, source: "s3://lake/models/wine", run_id: runs[1] });
    await post("model-versions/create", { name: NAME, source: "s3://lake/models/other", run_id: runs[1] });
    await post("registered-models/alias", { name: NAME, alias: "champion", version: "1" });
    await post("registered-models/alias", { name: NAME, alias: "champion", version: "2" });
    await post("runs/log-inputs", { run_id: runs[1], models: [{ model_id: logged }] });
    const job = (id: number, name: string, input: { namespace: string; name: string }) => ({
      eventType: "COMPLETE", eventTime: new Date(now).toISOString(), producer: "https://example.com", schemaURL: "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
      run: { runId: `0196b5c0-0000-7000-8000-00000000000${id}` }, job: { namespace: "airflow", name }, inputs: [input], outputs: [],
    });
    await ask("POST", "api/v1/lineage", job(1, "nightly", { namespace: "s3://lake", name: "models/wine" }));
    await ask("POST", "api/v1/lineage", job(2, "by name", { namespace: "models:", name: `${NAME}/2` }));
  });

  afterAll(async () => {
    await visitor?.stop();
    await server?.stop();
  });

  test("a model that serves nowhere says what to type, and then where it serves since when", async () => {
    const page = await visitor.open(model(NAME));
    const uses = page.getByRole("region", { name: "Who uses it", exact: true });
    const rows = uses.getByRole("region", { name: "What uses it" }).getByRole("row");
    // A run by the logged model of version 1, two jobs by the place and by the name of version 2, and the alias.
    await expect.poll(() => rows.count()).toBe(5);
    const texts = await rows.allTextContents();
    expect(texts.slice(1).map((t) => t.replace(/\s+/g, " ").trim()).sort()).toEqual([
      expect.stringMatching(/^alias ?@champion ?2/), expect.stringMatching(/^job ?by name COMPLETE ?2/), expect.stringMatching(/^job ?nightly COMPLETE ?2/), expect.stringMatching(/^run ?trial-1 RUNNING ?1/),
    ]);
    const command = (await uses.locator("code").first().textContent()) ?? "";
    expect(command).toContain(`curl -X POST ${server.url}/v1/endpoints`);
    await visitor.shoot(page, "uses-1440-light");
    // The command does what it says.
    const { execFileSync } = await import("node:child_process");
    execFileSync("sh", ["-c", command], { stdio: "pipe" });
    await page.reload();
    await uses.getByRole("link", { name: "production" }).waitFor();
    expect(await uses.locator("code").count()).toBe(0);
    const served = rows.filter({ hasText: "endpoint" });
    expect(await served.getByRole("link", { name: "https://wine.example.com" }).getAttribute("href")).toBe("https://wine.example.com/invocations");
    const { endpoints } = await ask<{ endpoints: { id: string }[] }>("GET", "v1/endpoints", undefined);
    await ask("PATCH", `v1/endpoints/${endpoints[0]?.id}`, {});
    await page.reload();
    await uses.getByText("ended just now").or(uses.getByText(/ended .*s ago/)).first().waitFor();
    await served.getByRole("link", { name: "3", exact: true }).click();
    await page.getByRole("heading", { name: /^Who uses version 3/ }).waitFor();
    await page.getByRole("link", { name: "all versions" }).click();
    await expect.poll(() => rows.count()).toBe(6);
    await page.context().close();
  });

  test("a version says who uses it, and the history where its alias was", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await visitor.open(`${model(NAME)}?version=2`, { colorScheme, bypassCSP: true });
      const uses = page.getByRole("region", { name: "Who uses it", exact: true });
      await uses.getByRole("link", { name: "nightly" }).waitFor();
      expect(await uses.getByRole("link", { name: "trial-1" }).count()).toBe(0);
      const history = page.getByRole("region", { name: "History" }).getByRole("listitem");
      await expect.poll(async () => (await history.allTextContents()).map((t) => t.replace(/\s+/g, " "))).toEqual([expect.stringMatching(/@champion v1.*v2/), expect.stringMatching(/@champion new.*v1/)]);
      expect(await violations(page)).toEqual([]);
      await page.setViewportSize({ width: 360, height: 800 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
      await uses.scrollIntoViewIfNeeded();
      await visitor.shoot(page, `uses-360-${colorScheme}`);
      if (colorScheme === "light") {
        await uses.getByRole("link", { name: "nightly" }).click();
        await page.getByRole("region", { name: /^Graph of/ }).getByText("nightly").first().waitFor();
      }
      await page.context().close();
    }
  });

  test("parentheses hold alternatives together, as chips and under the wrong word", async () => {
    const page = await visitor.open(`#/runs?exp=${experiment}`);
    const field = page.getByLabel("Filter the runs");
    const names = () => page.getByRole("link", { name: /^trial-/ }).allTextContents();
    await expect.poll(async () => (await names()).length).toBe(3);
    await field.fill("(metrics.loss < 0.05 or params.opt = 'sgd') and tags.team = 'a'");
    await field.press("Enter");
    await expect.poll(names).toEqual(["trial-1", "trial-0"]);
    const chips = page.getByRole("group", { name: "Comparisons of the filter" });
    await chips.getByText("(metrics.loss < 0.05 or params.opt = 'sgd')", { exact: true }).waitFor();
    await visitor.shoot(page, "filter-parentheses-1440-light");
    await chips.getByRole("button", { name: "Take tags.team = 'a' away" }).click();
    await expect.poll(() => field.inputValue()).toBe("metrics.loss < 0.05 or params.opt = 'sgd'");
    await expect.poll(names).toEqual(["trial-1", "trial-0"]);
    visitor.expectedStatus = 400;
    await field.fill("(metrics.loss < 1) and (params.opt = 'sgd' or tags.team = 'a'");
    await field.press("Enter");
    const error = page.locator("#filter-error");
    await error.getByText("'(' at character 24 is not closed").waitFor();
    const marked = await error.locator("code").evaluate((node) => {
      const mark = node.querySelector("mark");
      return [mark?.previousSibling?.textContent, mark?.textContent];
    });
    expect(marked).toEqual(["(metrics.loss < 1) and ", "("]);
    await field.fill("(metrics.lo");
    await page.getByRole("option", { name: "metrics.loss" }).click();
    expect(await field.inputValue()).toBe("(metrics.loss ");
    await page.context().close();
    visitor.expectedStatus = 0;
  });

  test("a run of very many metrics costs the table no more than the others, and its columns are found", async () => {
    const page = await visitor.open();
    const sizes: number[] = [];
    page.on("response", (r) => {
      if (r.url().endsWith("v1/runs/search")) void r.body().then((body) => sizes.push(body.length), () => {});
    });
    await page.goto(`${server.url}/#/runs?exp=${experiment}&cols=metrics.loss`);
    await page.getByRole("link", { name: "trial-2" }).waitFor();
    await expect.poll(() => sizes.length).toBeGreaterThan(0);
    expect(Math.max(...sizes)).toBeLessThan(60_000);
    await page.getByRole("button", { name: /^Columns/ }).click();
    await page.getByText("Some runs have more metrics than are listed").waitFor();
    await page.getByLabel("Search params and metrics").fill("02345");
    await page.getByLabel("layers/02345/norm").check();
    await page.keyboard.press("Escape");
    const row = page.getByRole("row", { name: /trial-2/ });
    await expect.poll(() => row.textContent()).toContain("2345");
    // MLflow's own search has them all.
    const all = await post<{ runs: { data: { metrics: unknown[] } }[] }>("runs/search", { experiment_ids: [experiment], filter: `attributes.run_id = '${runs[2]}'` });
    expect(all.runs[0]?.data.metrics.length).toBe(WIDE + 1);
    await page.context().close();
  });

  test("a run's page draws more of its metrics as they are scrolled", async () => {
    const page = await visitor.open(`#/runs/${runs[2]}`);
    const list = page.getByRole("group", { name: "Metrics" });
    await list.getByRole("row", { name: /^layers\/00000/ }).waitFor();
    const drawn = await list.getByRole("row").count();
    expect(drawn).toBeLessThan(300);
    await list.evaluate((at) => at.scrollTo(0, at.scrollHeight));
    await expect.poll(() => list.getByRole("row").count()).toBeGreaterThan(drawn);
    await page.context().close();
  });

  test("no page complained or asked anyone else", () => {
    expect(visitor.complaints).toEqual([]);
    expect(visitor.foreign).toEqual([]);
  });
});
