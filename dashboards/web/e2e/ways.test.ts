// Ways through the pages: back from what is not there, the menu of a telephone, lineage by name, alerts by name, columns in SQL, out to Grafana.

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { findChromium, violations, Visitor } from "./browser";
import { missing, startServer, type Server } from "./server";

const chromium = findChromium();
const reason = missing() ?? (chromium ? null : "Chromium is missing: apt-get install chromium");
if (reason) console.log(`skipped: ${reason}`);

const NOBODY = "f".repeat(32);
const GRAFANA = "https://grafana.example.org/sub";
const ODD = `it's <b>“odd”</b>, 50%`;

describe.skipIf(reason !== null)("ways through the pages", () => {
  let server: Server;
  let visitor: Visitor;
  let run = "";
  let wine = "";

  const post = async <T>(path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${server.url}/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const mlflow = <T>(path: string, body: unknown) => post<T>(`api/2.0/mlflow/${path}`, body);

  beforeAll(async () => {
    server = await startServer("--grafana-url", `${GRAFANA}/`);
    visitor = await Visitor.start(server.url, chromium as string);
    await mlflow("experiments/create", { name: ODD });
    wine = (await mlflow<{ experiment_id: string }>("experiments/create", { name: "wine" })).experiment_id;
    run = (await mlflow<{ run: { info: { run_id: string } } }>("runs/create", { experiment_id: wine, run_name: "bold-heron", start_time: Date.now() })).run.info.run_id;
    await mlflow("runs/log-inputs", { run_id: run, datasets: [{ dataset: { name: "cellar 50%", digest: "ab@1", source_type: "local", source: "{}" }, tags: [] }] });
    await mlflow("registered-models/create", { name: "wine" });
    await mlflow("model-versions/create", { name: "wine", source: "s3://models/wine", run_id: run });
    await mlflow("model-versions/create", { name: "wine", source: "s3://models/wine", run_id: run });
    for (const stage of ["Staging", "Production"]) await mlflow("model-versions/transition-stage", { name: "wine", version: "1", stage, archive_existing_versions: false });
  });

  afterAll(async () => {
    await visitor?.stop();
    await server?.stop();
  });

  test("what is not there leads back, its error stays in its box, and the comparison names the run that nobody knows", async () => {
    visitor.expectedStatus = 404;
    const page = await visitor.open(`#/runs/${NOBODY}`, { bypassCSP: true });
    await page.getByRole("heading", { level: 1, name: "The run could not be read" }).waitFor();
    await visitor.shoot(page, "ways-gone-1440-light");
    await page.getByRole("link", { name: "Back to the runs" }).click();
    await page.getByRole("link", { name: "bold-heron" }).waitFor();
    await page.goto(`${server.url}/#/models/${"x".repeat(200)}`);
    await page.getByRole("heading", { level: 1, name: "The model could not be read" }).waitFor();
    const [card, box] = await Promise.all([page.locator(".trouble").boundingBox(), page.locator(".trouble .copyable").boundingBox()]);
    expect((box?.x ?? 0) + (box?.width ?? Infinity)).toBeLessThanOrEqual((card?.x ?? 0) + (card?.width ?? 0));
    expect(await violations(page)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.getByRole("link", { name: "Back to the models" }).click();
    await page.getByRole("row", { name: /^wine/ }).waitFor();
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(`${server.url}/#/compare?exp=${wine}&show=${NOBODY}`);
    await page.getByRole("alert").filter({ hasText: `There is no run ${NOBODY}` }).waitFor();
    await visitor.shoot(page, "ways-compare-gone-1440-light");
    await page.getByRole("button", { name: "Leave it out" }).click();
    await page.getByText("There is no run").waitFor({ state: "detached" });
    expect(page.url()).not.toContain(NOBODY);
    await page.context().close();
    visitor.expectedStatus = 0;
  });

  // The other pages are looked at in the tests of their own.
  test("axe with WCAG 2.2 AA finds nothing in the beginning of lineage, on a model and beside SQL", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await visitor.open("#/lineage", { colorScheme, bypassCSP: true });
      await page.getByRole("region", { name: "Registered last" }).getByRole("link", { name: /wine v2/ }).waitFor();
      await visitor.shoot(page, `ways-lineage-1440-${colorScheme}`);
      expect(await violations(page), "lineage").toEqual([]);
      if (colorScheme === "light") {
        await page.goto(`${server.url}/#/models/wine`);
        await page.getByRole("region", { name: "Stages over time" }).waitFor();
        expect(await violations(page), "a model").toEqual([]);
        await page.goto(`${server.url}/#/sql`);
        await page.getByText("sg.metrics_latest").first().click();
        expect(await violations(page), "SQL").toEqual([]);
      }
      await page.context().close();
    }
  });

  test("on a telephone all pages are in the menu, and the open one stands in sight", async () => {
    const page = await visitor.open("#/alerts", { viewport: { width: 360, height: 740 }, colorScheme: "dark", bypassCSP: true });
    await page.locator("header .here", { hasText: "Alerts" }).waitFor();
    await page.getByRole("button", { name: "Pages and experiments" }).click();
    const pages = page.getByRole("navigation", { name: "Pages" });
    expect(await pages.getByRole("link").allTextContents()).toEqual(["Runs", "Compare", "Models", "Lineage", "SQL", "Alerts"]);
    for (const link of await pages.getByRole("link").all()) {
      const at = await link.boundingBox();
      expect((at?.x ?? 0) + (at?.width ?? Infinity)).toBeLessThanOrEqual(360);
    }
    await visitor.shoot(page, "ways-menu-360-dark");
    expect(await violations(page)).toEqual([]);
    await pages.getByRole("link", { name: "Lineage" }).click();
    await page.getByRole("heading", { level: 1, name: "Lineage" }).waitFor();
    await page.locator("header .here", { hasText: "Lineage" }).waitFor();
    await visitor.shoot(page, "ways-lineage-360-dark");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.context().close();
  });

  test("lineage finds a run, a version and a data set by name, by keyboard", async () => {
    const page = await visitor.open("#/lineage", { bypassCSP: true });
    const field = page.getByRole("combobox", { name: "Find a run" });
    const options = page.getByRole("listbox", { name: "Found" }).getByRole("option");
    await field.fill("HERON");
    await expect.poll(() => options.allTextContents()).toEqual([expect.stringContaining("bold-heron")]);
    await visitor.shoot(page, "ways-lineage-find-1440-light");
    await field.press("ArrowDown");
    await field.press("Enter");
    await page.getByRole("region", { name: "Graph of" }).waitFor();
    expect(decodeURIComponent(page.url())).toContain(`node=run:${run}`);
    await field.fill("cellar 50%");
    await options.filter({ hasText: "ab@1" }).click();
    await expect.poll(() => decodeURIComponent(page.url())).toContain("node=dataset:cellar 50%25@ab%401");
    await page.getByRole("link", { name: /bold-heron/ }).first().waitFor();
    await page.context().close();
  });

  test("an alert is made on experiments by name; one that is not there is refused", async () => {
    const page = await visitor.open("#/alerts");
    const list = page.getByRole("navigation", { name: "Experiments" });
    await list.getByRole("link", { name: "wine" }).waitFor();
    expect(await list.locator("a[aria-current]").count()).toBe(0);
    await page.getByRole("button", { name: "New alert" }).click();
    expect(await page.getByRole("list", { name: "Chosen experiments" }).count()).toBe(0);
    await page.getByLabel("Name", { exact: true }).fill("any");
    await page.getByLabel("Fires when").selectOption("nan");
    await page.getByLabel("E-mail").fill("a@b.example");
    const field = page.getByRole("combobox", { name: "Experiments" });
    await field.fill("nobody");
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByText("There is no experiment “nobody”").waitFor();
    for (const name of [ODD, "wine"]) {
      await field.fill(name);
      await field.press("Enter");
    }
    await expect.poll(() => page.getByRole("list", { name: "Chosen experiments" }).getByRole("listitem").allTextContents()).toEqual([`${ODD}×`, "wine×"]);
    await visitor.shoot(page, "ways-alert-1440-light");
    await page.goto(`${server.url}/#/alerts?edit=new&exp=${wine}`);
    await page.reload();
    await page.getByRole("button", { name: "Without wine" }).waitFor();
    const refused = await fetch(`${server.url}/v1/alerts`, { method: "POST", body: JSON.stringify({ name: "n", experiment_ids: ["4242"], kind: "nan", channels: [{ type: "slack", url: "https://hooks.slack.com/x" }] }) });
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("4242")]);
    await page.context().close();
  });

  test("columns are completed on an empty page of SQL, before functions", async () => {
    const page = await visitor.open("#/sql");
    await page.getByText("sg.metrics_latest").first().waitFor();
    const statement = page.getByRole("textbox", { name: "Statement" });
    const first = page.locator(".cm-tooltip-autocomplete li").first();
    await statement.click();
    await page.keyboard.type("SELECT NA");
    await expect.poll(() => first.textContent()).toContain("name");
    await visitor.shoot(page, "ways-columns-1440-light");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("SELECT stat FROM sg.runs");
    for (let i = 0; i < " FROM sg.runs".length; i++) await page.keyboard.press("ArrowLeft");
    await page.keyboard.type("u");
    await expect.poll(() => first.textContent()).toContain("status");
    await page.context().close();
  });

  test("a filter has its stray word marked, and an and that is missing is written", async () => {
    visitor.expectedStatus = 400;
    const page = await visitor.open(`#/runs?exp=${wine}`);
    const field = page.getByRole("textbox", { name: "Filter the runs" });
    await field.fill("metrics.loss < 1 or params.optimizer = 'adam' xor");
    await field.press("Enter");
    await expect.poll(() => page.locator("#filter-error mark").textContent()).toBe("xor");
    await field.fill("metrics.loss < 1 params.optimizer = 'adam'");
    await field.press("Enter");
    await expect.poll(() => field.inputValue()).toBe("metrics.loss < 1 and params.optimizer = 'adam'");
    visitor.expectedStatus = 0;
    await page.context().close();
  });

  test("run, comparison and model lead to Grafana with its variables filled", async () => {
    const page = await visitor.open(`#/runs/${run}`);
    const link = page.getByRole("link", { name: "Open in Grafana" });
    const leads = async () => new URL((await link.getAttribute("href")) ?? "");
    await link.waitFor();
    expect((await leads()).href).toContain(`${GRAFANA}/d/sg-run?var-experiment=${wine}&var-run=${run}&from=`);
    await page.goto(`${server.url}/#/compare?exp=${wine}`);
    await expect.poll(async () => (await leads()).href).toContain(`${GRAFANA}/d/sg-compare?var-experiment=${wine}&var-run=${run}&from=`);
    await page.goto(`${server.url}/#/models/wine`);
    await expect.poll(async () => (await leads()).href).toBe(`${GRAFANA}/d/sg-models?var-model=wine`);
    await page.context().close();
  });

  test("no page complained or asked anyone else", () => {
    expect(visitor.complaints).toEqual([]);
    expect(visitor.foreign).toEqual([]);
  });
});
