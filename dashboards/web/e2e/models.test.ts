// Registered models: seven versions of one over a month, moved, named and compared; and one whose stage needs a second person.

import { readFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { nodeOf } from "../src/lineage/graph";
import { findChromium, violations, Visitor } from "./browser";
import { missing, startServer, type Server } from "./server";

const chromium = findChromium();
const reason = missing() ?? (chromium ? null : "Chromium is missing: apt-get install chromium");
if (reason) console.log(`skipped: ${reason}`);

const DAY = 86_400_000;
const NAME = "wine quality & <b>“é” %2F#?";
const VERSIONS = 7;

describe.skipIf(reason !== null)("registered models", () => {
  let server: Server;
  let visitor: Visitor;
  const runs: string[] = [];
  const models: string[] = [];

  const ask = async <T>(method: string, path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${server.url}/${path}`, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  };
  const post = <T>(path: string, body: unknown) => ask<T>("POST", `api/2.0/mlflow/${path}`, body);
  const model = (name: string) => `#/models/${encodeURIComponent(name)}`;

  beforeAll(async () => {
    server = await startServer();
    visitor = await Visitor.start(server.url, chromium as string);
    const { experiment_id } = await post<{ experiment_id: string }>("experiments/create", { name: "wine" });
    await post("registered-models/create", { name: NAME, description: "How good a wine is, from 0 to 10.\nAsk the cellar.", tags: [{ key: "team", value: "cellar" }] });
    for (let i = 1; i <= VERSIONS; i++) {
      const { run } = await post<{ run: { info: { run_id: string } } }>("runs/create", { experiment_id, run_name: `trial-${i}`, start_time: Date.now() - (VERSIONS - i) * DAY });
      const id = run.info.run_id;
      runs.push(id);
      const metrics = { val_loss: 1 / i, val_accuracy: 1 - 0.2 / i };
      await post("runs/log-batch", {
        run_id: id,
        metrics: Object.entries(metrics).map(([key, value]) => ({ key, value, step: 1, timestamp: Date.now() })),
        params: [{ key: "depth", value: String(i) }, { key: "seed", value: "42" }],
      });
      const made = { experiment_id, name: "forest", source_run_id: id };
      const logged = (await post<{ model: { info: { model_id: string; artifact_uri: string } } }>("logged-models", made)).model.info;
      models.push(logged.model_id);
      const folder = logged.artifact_uri.replace("mlflow-artifacts:/", "").replace(/^\/+/, "");
      const file = `signature:\n  inputs: '[{"type": "double", "name": "acidity", "required": true}]'\n  outputs: '[{"type": "double", "name": "score"}]'\n`;
      await fetch(`${server.url}/api/2.0/mlflow-artifacts/artifacts/${folder}/MLmodel`, { method: "PUT", body: file });
      await post("model-versions/create", { name: NAME, source: `models:/${logged.model_id}`, run_id: id, model_id: logged.model_id, description: i === 3 ? "The first that the cellar liked." : "" });
    }
    const moves: readonly [number, string, string][] = [
      [2, "Staging", "looks well"], [3, "Staging", ""], [3, "Production", "better by a third"], [4, "Staging", ""], [5, "Production", "the cellar wants it"],
    ];
    for (const [version, stage, comment] of moves) {
      await post("model-versions/transition-stage", { name: NAME, version: String(version), stage, archive_existing_versions: true, comment });
    }
    await post("registered-models/alias", { name: NAME, alias: "champion", version: "5" });
    const dataset = { name: "grapes", digest: "abc123", source_type: "s3", source: JSON.stringify({ uri: "s3://lake/grapes.parquet" }) };
    for (const run_id of [runs[4], runs[5]]) await post("runs/log-inputs", { run_id, datasets: [{ dataset, tags: [{ key: "mlflow.data.context", value: "training" }] }] });
    for (const [i, run_id] of runs.entries()) await post("runs/outputs", { run_id, models: [{ model_id: models[i], step: 0 }] });
    await ask("POST", "v1/endpoints", { model: NAME, version: "5", name: "cellar", url: "https://wine.example.com/score" });
    await post("registered-models/create", { name: "gated" });
    await post("model-versions/create", { name: "gated", source: "s3://bucket/model", run_id: runs[0] });
    await ask("PUT", "v1/registered-models/gated/approvals-required", { stage: "Production", count: 2 });
  });

  afterAll(async () => {
    await visitor?.stop();
    await server?.stop();
  });

  test("the list says what is where, and finds by name", async () => {
    const page = await visitor.open("#/runs");
    await page.getByRole("link", { name: "Models" }).click();
    const row = page.getByRole("row", { name: /^wine/ });
    await row.waitFor();
    expect(await row.getByRole("cell").allTextContents()).toEqual(["7", "4", "5", "@champion 5", expect.any(String), expect.stringContaining("How good")]);
    await visitor.shoot(page, "models-1440-light");
    await page.getByLabel("Search the models").fill("GATE");
    await expect.poll(() => page.locator("tbody tr").count()).toBe(1);
    expect(page.url()).toContain("search=GATE");
    await page.getByLabel("Search the models").fill("nothing like it");
    await page.getByText("No model's name contains").waitFor();
    await page.context().close();
  });

  test("pages at rest leave the server alone", async () => {
    for (const hash of ["#/models", model(NAME), model("gated")]) {
      const page = await visitor.open(hash);
      let asked = 0;
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.waitForTimeout(1_000);
      page.on("request", () => asked++);
      await page.waitForTimeout(2_000);
      // Once in ten seconds they read what they show, and the version's facts.
      expect(asked, hash).toBeLessThanOrEqual(12);
      await page.context().close();
    }
  });

  test("a model shows its versions over time, who moved them and why", async () => {
    const page = await visitor.open(model(NAME));
    await page.getByRole("heading", { level: 1, name: NAME }).waitFor();
    const line = page.getByRole("region", { name: "Stages over time" });
    await expect.poll(() => line.getByRole("listitem").count()).toBe(VERSIONS);
    await line.getByText("@champion").waitFor();
    // Version 3 was nowhere, in Staging, in Production and then in the archive.
    expect(await line.getByRole("listitem").filter({ hasText: "v3" }).locator(".track i").count()).toBe(4);
    const moved = page.locator(".history li");
    await expect.poll(() => moved.count()).toBeGreaterThanOrEqual(6);
    expect(await moved.filter({ hasText: "the cellar wants it" }).textContent()).toMatch(/v5\s*None.*Production/s);
    const rows = page.getByRole("region", { name: "Versions", exact: true }).getByRole("row");
    await expect.poll(() => rows.nth(1).textContent()).toMatch(/7.*trial-7.*0\.1429/s);
    await page.getByText("acidity").waitFor();
    await visitor.shoot(page, "model-1440-light");
    await page.context().close();
  });

  test("versions stand side by side, and a link shows the same to a colleague", async () => {
    const page = await visitor.open(model(NAME));
    for (const n of [3, 5]) await page.getByLabel(`Compare version ${n}`).check();
    const beside = page.getByRole("region", { name: "Versions side by side" });
    await beside.getByRole("row", { name: /^depth/ }).waitFor();
    expect(await beside.getByRole("row", { name: /^depth/ }).getByRole("cell").allTextContents()).toEqual(["3", "5"]);
    expect(await beside.getByRole("row", { name: /^seed/ }).count()).toBe(0);
    await beside.getByLabel("baseline").selectOption({ label: "v3 trial-3" });
    await beside.getByLabel("only differences").uncheck();
    expect(page.url()).toContain("against=3,5&base=3&rows=all");
    const second = await visitor.open(new URL(page.url()).hash, { colorScheme: "dark" });
    await second.getByRole("row", { name: /^seed/ }).waitFor();
    expect(await second.getByRole("row", { name: /^depth/ }).getByRole("cell").allTextContents()).toEqual(["3", expect.stringMatching(/^5\s*\+66\.7 %$/)]);
    await visitor.shoot(second, "model-compared-1440-dark");
    await second.context().close();
    await page.context().close();
  });

  test("a version is moved with a comment, and named", async () => {
    const page = await visitor.open(`${model(NAME)}/versions/6`);
    await page.getByLabel("Stage", { exact: true }).selectOption("Staging");
    await page.getByLabel("Comment", { exact: true }).fill("to be tried <i>by hand</i>");
    await page.getByRole("button", { name: "Move to Staging" }).click();
    await page.getByText("Version 6 is in Staging.").waitFor();
    await page.locator(".history li", { hasText: "to be tried <i>by hand</i>" }).waitFor();
    // The one that was there went to the archive in the same breath.
    await expect.poll(() => page.getByRole("row", { name: /^Compare version 4/ }).textContent()).toContain("Archived");
    await page.getByLabel("New alias").fill("challenger");
    await page.getByRole("button", { name: "Set" }).click();
    await page.getByRole("button", { name: "Take the alias challenger away" }).click();
    await page.getByRole("region", { name: "History" }).getByText("taken away").waitFor();
    expect(await page.getByRole("button", { name: "Take the alias challenger away" }).count()).toBe(0);
    await page.context().close();
  });

  test("a stage that needs a second person says so, and is asked for and given", async () => {
    const page = await visitor.open(model("gated"));
    visitor.expectedStatus = 403;
    await page.getByLabel("Stage", { exact: true }).selectOption("Production");
    await page.getByLabel("Comment", { exact: true }).fill("please");
    await page.getByRole("button", { name: "Move to Production" }).click();
    await page.getByRole("button", { name: "Ask for approval" }).click();
    await page.getByText("Approval for Production was asked for.").waitFor();
    visitor.expectedStatus = 0;
    await page.getByLabel("Your name").fill("grace");
    await page.getByLabel("Comment on the request").fill("fine by me");
    await page.getByText("0 of 2 approvals").waitFor();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByText("approved by grace").waitFor();
    await page.getByText("1 of 2 approvals").waitFor();
    await page.getByLabel("Your name").fill("ada");
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByText("2 of 2 approvals").waitFor();
    await visitor.shoot(page, "model-approved-1440-light");
    await page.getByLabel("Stage", { exact: true }).selectOption("Production");
    await page.getByRole("button", { name: "Move to Production" }).click();
    await page.getByText("Version 1 is in Production.").waitFor();
    await page.getByLabel("Stage", { exact: true }).selectOption("Archived");
    await page.getByRole("button", { name: "Move to Archived" }).click();
    await page.getByText("Version 1 leaves Production.").waitFor();
    await page.getByRole("button", { name: "Keep" }).click();
    expect(await page.getByText("leaves Production").count()).toBe(0);
    await page.context().close();
  });

  test("a run knows what it was registered as", async () => {
    const page = await visitor.open(`#/runs/${runs[4]}`);
    await page.getByRole("link", { name: `${NAME}, version 5` }).click();
    await page.getByRole("heading", { level: 1, name: NAME }).waitFor();
    expect(page.url()).toContain("version=5");
    await page.context().close();
  });

  test("the lineage of a version is walked, and a link shows the same to a colleague", async () => {
    const page = await visitor.open(`${model(NAME)}?version=5`);
    await page.getByRole("main").getByRole("link", { name: "Lineage" }).click();
    const graph = page.getByRole("region", { name: /^Graph of/ });
    const left = async (name: RegExp) => (await graph.locator(".card", { hasText: name }).first().boundingBox())?.x ?? NaN;
    await graph.getByText("cellar").waitFor();
    // From data to where it serves, from left to right.
    const [data, run, version, endpoint] = [await left(/dataset.*grapes/s), await left(/run.*trial-5/s), await left(/^\s*version/), await left(/^\s*endpoint/)];
    expect(data).toBeLessThan(run);
    expect(run).toBeLessThan(version);
    expect(version).toBeLessThan(endpoint);
    await visitor.shoot(page, "lineage-1440-light");
    await graph.getByRole("link", { name: /^dataset.*grapes/ }).click();
    await graph.getByText("trial-6").waitFor();
    await page.getByLabel("Direction").selectOption("down");
    await page.getByRole("row", { name: /grapes.*input.*trial-6/ }).waitFor();
    expect(page.url()).toContain("direction=down");
    const second = await visitor.open(new URL(page.url()).hash, { colorScheme: "dark", bypassCSP: true });
    await second.getByRole("region", { name: /^Graph of/ }).getByText("trial-6").waitFor();
    expect(await violations(second)).toEqual([]);
    await visitor.shoot(second, "lineage-down-1440-dark");
    await second.setViewportSize({ width: 360, height: 800 });
    expect(await second.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await second.context().close();
    // A day before all of it there was nothing.
    visitor.expectedStatus = 404;
    await page.getByLabel("As of").fill("2020-01-01");
    await page.getByText("The lineage could not be read").waitFor();
    visitor.expectedStatus = 0;
    await page.goto(`${server.url}/#/lineage`);
    await page.getByText("streamgauge lineage run:RUN_ID").waitFor();
    await page.context().close();
  });

  test("Ctrl-K finds runs, metrics and models and goes there, and ? lists the keys", async () => {
    const page = await visitor.open("#/runs", { bypassCSP: true });
    await page.getByRole("link", { name: "trial-5" }).waitFor();
    const option = (name: RegExp) => page.getByRole("option", { name });
    await page.keyboard.press("Control+k");
    await option(/^page\s*Lineage/).waitFor();
    await page.keyboard.type("trial-5");
    await option(/^run\s*trial-5\s*wine/).waitFor();
    await visitor.shoot(page, "find-1440-light");
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "trial-5" }).waitFor();
    await page.getByRole("button", { name: "Find" }).click();
    await page.keyboard.type("quality");
    await option(/^model\s*wine quality/).click();
    await page.getByRole("heading", { level: 1, name: NAME }).waitFor();
    await page.keyboard.press("Control+k");
    await page.keyboard.type("val_acc");
    await option(/^metric\s*val_accuracy/).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await page.waitForURL(/#\/compare\?exp=\d+&search=val_accuracy/);
    await page.getByRole("region", { name: "val_accuracy", exact: true }).waitFor();
    await page.getByLabel("Search metrics").press("?");
    expect(await page.getByRole("dialog", { name: "Keys" }).count()).toBe(0);
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).getByText("Ctrl-Enter").waitFor();
    await page.keyboard.press("Escape");
    await page.context().close();
  });

  test("ticked runs are tagged, deleted and taken back, and the table is saved", async () => {
    const page = await visitor.open(`#/runs?tick=${runs[0]},${runs[1]}`);
    await page.getByRole("button", { name: "Tag" }).click();
    await page.getByLabel("Key of the tag").fill("verdict");
    await page.getByLabel("Value of the tag").fill("=worse");
    await page.getByRole("button", { name: "Set on 2 runs" }).click();
    await page.getByText("2 runs tagged verdict").waitFor();
    const tagged = await post<{ runs: unknown[] }>("runs/search", { experiment_ids: ["1"], filter: "tags.verdict = '=worse'" });
    expect(tagged.runs.length).toBe(2);
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("2 runs deleted.").waitFor();
    await expect.poll(() => page.getByRole("link", { name: /^trial-/ }).count()).toBe(VERSIONS - 2);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("2 runs restored.").waitFor();
    await expect.poll(() => page.getByRole("link", { name: /^trial-/ }).count()).toBe(VERSIONS);
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
    expect(file.suggestedFilename()).toBe("wine.csv");
    expect(readFileSync(await file.path(), "utf8")).toMatch(/^run_id,name,status.*\r\n[0-9a-f]{32},trial-7,RUNNING/);
    await page.context().close();
  });

  test("a run's note is written in its place", async () => {
    const page = await visitor.open(`#/runs/${runs[2]}`);
    await page.getByRole("button", { name: "Write" }).click();
    await page.getByRole("textbox", { name: "Note" }).fill("held out well\n<i>really</i>");
    await page.getByRole("textbox", { name: "Note" }).press("Control+Enter");
    await page.getByRole("paragraph").filter({ hasText: "<i>really</i>" }).waitFor();
    await page.reload();
    await page.getByRole("paragraph").filter({ hasText: "<i>really</i>" }).waitFor();
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByRole("textbox", { name: "Note" }).press("Escape");
    await page.getByRole("button", { name: "Edit" }).waitFor();
    await page.context().close();
  });

  test("a view gets a name, comes back by it, and is forgotten", async () => {
    const page = await visitor.open("#/runs?filter=params.depth = '3'");
    await expect.poll(() => page.getByRole("link", { name: /^trial-/ }).count()).toBe(1);
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByLabel("Name of this view").fill("the third");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("link", { name: "the third" }).waitFor();
    await page.goto(`${server.url}/#/models`);
    await page.reload();
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByRole("link", { name: "the third" }).click();
    await expect.poll(() => page.getByRole("link", { name: /^trial-/ }).count()).toBe(1);
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByRole("button", { name: "Forget the view the third" }).click();
    await page.getByText("None yet.").waitFor();
    await page.context().close();
  });

  test("a node of the graph shows more of what came of it, and a link has that, too", async () => {
    const page = await visitor.open(`#/lineage?node=${encodeURIComponent(nodeOf("version", `${NAME}/5`))}&direction=up`);
    const graph = page.getByRole("region", { name: /^Graph of/ });
    await graph.getByText("grapes@abc123").waitFor();
    expect(await graph.getByText("trial-6").count()).toBe(0);
    // By keyboard: the button is there before it is seen.
    const more = graph.getByRole("button", { name: /^what came of it: dataset grapes/ });
    await more.focus();
    await page.keyboard.press("Enter");
    await graph.getByText("trial-6").waitFor();
    await page.getByRole("status").filter({ hasText: /more shown/ }).waitFor({ state: "attached" });
    expect(page.url()).toContain("more=down");
    for (const colorScheme of ["light", "dark"] as const) {
      const second = await visitor.open(new URL(page.url()).hash, { colorScheme, bypassCSP: true });
      await second.getByRole("region", { name: /^Graph of/ }).getByText("trial-6").waitFor();
      expect(await violations(second)).toEqual([]);
      await visitor.shoot(second, `lineage-expanded-1440-${colorScheme}`);
      await second.setViewportSize({ width: 360, height: 800 });
      expect(await second.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
      await visitor.shoot(second, `lineage-360-${colorScheme}`);
      await second.context().close();
    }
    await page.keyboard.press("Enter");
    await expect.poll(() => graph.getByText("trial-6").count()).toBe(0);
    expect(page.url()).not.toContain("more=");
    // A walk begins anew from where it leads.
    await graph.getByRole("link", { name: /^run.*trial-5/ }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => graph.locator("[aria-current]").textContent()).toContain("trial-5");
    await page.goBack();
    await expect.poll(() => graph.locator("[aria-current]").textContent()).toContain("v5");
    await page.context().close();
  });

  test("a model or version that is not there says so", async () => {
    visitor.expectedStatus = 404;
    const page = await visitor.open(model("no such"));
    await page.getByText("The model could not be read").waitFor();
    visitor.expectedStatus = 0;
    await page.goto(`${server.url}/${model(NAME)}?version=99`);
    await page.getByText("There is no version 99 here").waitFor();
    await page.context().close();
  });

  test("axe finds nothing in either theme, and nothing is wider than a telephone", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await visitor.open(`${model(NAME)}?version=5&against=3,5`, { colorScheme, bypassCSP: true });
      await page.getByRole("row", { name: /^depth/ }).waitFor();
      expect(await violations(page)).toEqual([]);
      await page.setViewportSize({ width: 360, height: 800 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
      await visitor.shoot(page, `model-360-${colorScheme}`);
      await page.goto(`${server.url}/#/models`);
      await page.getByRole("row", { name: /^wine/ }).waitFor();
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
      await page.context().close();
    }
  });

  test("no page complained or asked anyone else", () => {
    expect(visitor.complaints).toEqual([]);
    expect(visitor.foreign).toEqual([]);
  });
});
