// The tabs of a run's page: all its metrics as charts, its machine, JSON as a tree, lines with bars, judged traces.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";

import { findChromium, inkOf, violations, Visitor } from "./browser";
import { missing, startServer, type Server } from "./server";

const root = resolve(import.meta.dirname, "../../..");
const python = resolve(root, ".build/venv/bin/python");
const chromium = findChromium();
const reason =
  missing() ?? (chromium ? null : "Chromium is missing: apt-get install chromium") ?? (existsSync(python) ? null : `${python} is missing: make venv`);
if (reason) console.log(`skipped: ${reason}`);

describe.skipIf(reason !== null)("the tabs of a run", () => {
  let server: Server;
  let visitor: Visitor;
  let ids: { readonly run: string; readonly trace: string };

  beforeAll(async () => {
    server = await startServer();
    visitor = await Visitor.start(server.url, chromium as string);
    const env = {
      ...process.env,
      HOME: server.data,
      PYTHONPATH: resolve(root, "clients/python/src"),
      STREAMGAUGE_URL: server.url,
      STREAMGAUGE_DIR: resolve(server.data, "spool"),
      STREAMGAUGE_QUIET: "1",
    };
    const { stdout } = await promisify(execFile)(python, [resolve(import.meta.dirname, "runtabs.py")], { env });
    ids = JSON.parse(/^ids (.*)$/m.exec(stdout)?.[1] ?? "{}") as typeof ids;
  });

  afterAll(async () => {
    await visitor?.stop();
    await server?.stop();
  });

  const open = (fields: string, options = {}) => visitor.open(`#/runs/${ids.run}?${fields}`, options);
  const panel = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
  const hash = (page: Page) => new URL(page.url()).hash;
  const titles = (page: Page) => page.locator("main h2").allTextContents();

  async function post<T>(path: string, body: object): Promise<T> {
    const answer = await fetch(`${server.url}/api/2.0/mlflow/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return (await answer.json()) as T;
  }

  test("all metrics stand in sections of panels; a link shows the same", async () => {
    const page = await visitor.open(`#/runs/${ids.run}`);
    await page.getByRole("link", { name: "Charts", exact: true }).click();
    // Panels are read when they come near.
    await panel(page, "val/loss").scrollIntoViewIfNeeded();
    await panel(page, "val/loss").getByText("100 points").waitFor();
    expect(await inkOf(panel(page, "val/loss").locator("canvas").first())).toBeGreaterThan(50);
    expect((await titles(page)).map((t) => t.trim().split(/\s+/).slice(-2))).toEqual([["▸charts", "1"], ["▸layers", "12"], ["▸val", "2"]]);
    await page.getByRole("searchbox", { name: /Search metrics/ }).fill("val/*");
    await expect.poll(() => panel(page, "loss").count()).toBe(0);
    await page.getByRole("combobox", { name: "Axis of x" }).selectOption("relative");
    await page.getByRole("button", { name: "val/loss in full screen" }).click();
    await page.getByRole("dialog", { name: "val/loss" }).waitFor();
    await expect.poll(() => hash(page)).toMatch(/tab=charts&charts.search=val%2F\*&charts.axis=relative&charts.full=val%2Floss/);
    const other = await visitor.open(hash(page));
    await other.getByRole("dialog", { name: "val/loss" }).getByText("100 points").waitFor();
    await other.keyboard.press("Escape");
    await expect.poll(() => panel(other, "val/accuracy").count()).toBe(1);
    // Another tab and back: nothing is lost.
    await other.getByRole("link", { name: "Logs", exact: true }).click();
    await other.getByRole("link", { name: "Charts", exact: true }).click();
    expect(await other.getByRole("searchbox", { name: /Search metrics/ }).inputValue()).toBe("val/*");
    await other.context().close();
    await page.context().close();
  });

  test("a running run's points and new metrics come by themselves", async () => {
    const made = await post<{ run: { info: { run_id: string } } }>("runs/create", { experiment_id: "0", run_name: "going", start_time: Date.now() });
    const run = made.run.info.run_id;
    const log = (key: string, step: number) => post("runs/log-metric", { run_id: run, key, value: step, timestamp: Date.now(), step });
    await log("loss", 0);
    const page = await visitor.open(`#/runs/${run}?tab=charts`);
    await panel(page, "loss").getByText("1 point", { exact: true }).waitFor();
    await page.locator("[data-connection=open]").waitFor();
    await log("loss", 1);
    await panel(page, "loss").getByText("2 points").waitFor();
    await log("val/late", 1);
    await panel(page, "val/late").waitFor();
    await post("runs/update", { run_id: run, status: "FINISHED" });
    await page.locator("[data-connection=none]").waitFor({ state: "attached" });
    await page.context().close();
  });

  test("the machine's metrics stand by its parts, over time", async () => {
    const page = await open("tab=system");
    await panel(page, "system/gpu_1_utilization_percentage").getByRole("heading", { name: "GPU 1 utilization, %" }).waitFor();
    expect((await titles(page)).map((t) => t.trim().split(/\s+/)[0])).toEqual(["▸GPU", "▸CPU", "▸Memory", "▸Disk", "▸Network"]);
    expect(await page.getByRole("combobox", { name: "Axis of x" }).inputValue()).toBe("relative");
    await page.getByRole("searchbox", { name: /Search metrics/ }).fill("gpu_1");
    await expect.poll(() => page.locator("section.panel").count()).toBe(2);
    await page.context().close();
  });

  test("JSON is a tree that is folded and searched, or its text", async () => {
    const page = await open("artifact=metrics.json");
    const tree = page.getByRole("group", { name: "Tree of metrics.json" });
    await tree.getByRole("row", { name: "loss NaN" }).waitFor();
    await tree.getByRole("row", { name: "id 9223372036854775809" }).waitFor();
    await tree.getByRole("row", { name: 'label "1"' }).waitFor();
    await tree.getByRole("row", { name: "rows 2000 items" }).getByRole("button").click();
    await tree.getByText(/more: search for them/).waitFor();
    expect(await tree.getByRole("row").count()).toBe(500);
    await page.getByRole("searchbox", { name: "Search metrics.json" }).fill("NEEDLE");
    await expect.poll(() => tree.getByRole("row").allTextContents()).toHaveLength(5);
    await tree.getByRole("row", { name: /^text "a needle"/ }).waitFor();
    await page.getByRole("button", { name: "Text", exact: true }).click();
    await page.getByLabel("Text of metrics.json").getByText('"html": "<b>bold</b>"').waitFor();
    expect(hash(page)).toMatch(/as=text$/);
    await page.getByRole("button", { name: "Tree", exact: true }).click();
    await page.getByRole("button", { name: "Look at huge.json" }).click();
    await page.getByText(/the first 1.0 MB of 6.0 MB/).waitFor();
    await page.getByRole("button", { name: "Look at broken.json" }).click();
    await page.getByText("not valid JSON: shown as it is").waitFor();
    await page.getByRole("link", { name: "Overview", exact: true }).click();
    await page.getByRole("group", { name: "Params" }).waitFor();
    await page.context().close();
  });

  test("of a bar's states the last is shown, colours stay, what is searched for is marked", async () => {
    const page = await open("tab=logs");
    const lines = page.getByRole("log", { name: "Lines" });
    await lines.getByText("step 1499 loss").waitFor();
    await lines.evaluate((node) => (node.scrollTop = 0));
    await lines.locator(".ansi-2.bold", { hasText: "ready" }).waitFor();
    await lines.locator(".ansi-3", { hasText: "orange" }).waitFor();
    expect(await lines.getByText("<b>hard</b>").count()).toBe(1);
    // Lines of both streams at one time stand in no order: the bars are looked at by themselves.
    await page.getByRole("combobox", { name: "Stream" }).selectOption("stderr");
    await expect.poll(() => lines.locator(".line").count()).toBeLessThan(20);
    await lines.locator(".err .ansi-1", { hasText: "loss is NaN" }).waitFor();
    // One line for each of the three rounds of the inner bar.
    expect(await lines.getByText(/batches:/).count()).toBe(3);
    await page.getByRole("checkbox", { name: "fold bars" }).uncheck();
    await expect.poll(() => lines.getByText(/batches:/).count()).toBeGreaterThan(20);
    await page.getByRole("checkbox", { name: "fold bars" }).check();
    await page.getByRole("combobox", { name: "Stream" }).selectOption("");
    await lines.locator(".ansi-2.bold", { hasText: "ready" }).waitFor();
    const long = lines.getByRole("button", { name: /^All of line/ });
    await long.click();
    expect((await page.getByLabel("Text of the line").textContent())?.length).toBe(8192);
    await visitor.shoot(page, "runtabs-logs-1440-light");
    await page.getByRole("searchbox", { name: "Search the lines" }).fill("NAN");
    await expect.poll(() => lines.locator("mark").allTextContents()).toEqual(["NaN"]);
    await page.getByRole("combobox", { name: "Stream" }).selectOption("stdout");
    await page.getByText("No line has “nan”.").waitFor();
    expect(hash(page)).toMatch(/find=NAN&stream=stdout/);
    await page.getByRole("button", { name: "Clear the search" }).click();
    await lines.getByText("step 3 loss").waitFor();
    const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download", exact: true }).click()]);
    expect(saved.suggestedFilename()).toBe(`${ids.run}.log`);
    await page.context().close();
  });

  test("lines of a running run are followed until the reader scrolls up", async () => {
    const page = await open("tab=logs");
    const lines = page.getByRole("log", { name: "Lines" });
    await lines.getByText("step 1499 loss").waitFor();
    const follow = page.getByRole("checkbox", { name: "follow" });
    expect(await follow.isChecked()).toBe(true);
    await lines.evaluate((node) => (node.scrollTop = 200));
    await expect.poll(() => follow.isChecked()).toBe(false);
    await follow.check();
    await lines.getByText("step 1499 loss").waitFor();
    await page.context().close();
  });

  test("how a trace was judged stands in the list and beside its spans", async () => {
    const page = await open("tab=traces");
    await page.getByText("relevance 0.82").waitFor();
    expect(await page.getByRole("cell", { name: "1,234" }).count()).toBe(2);
    await page.getByRole("row", { name: /relevance/ }).getByRole("link").click();
    const table = page.getByRole("region", { name: "Table of assessments" });
    const rows = [/^correct false human, ada@example.com Looked again trace/, /^relevance 0.82 LLM judge, small long/, /^safe no .*cost=0.01/, /^toxic RATE_LIMIT: too many/];
    for (const name of rows) await table.getByRole("row", { name }).waitFor();
    await table.getByRole("row", { name: /^correct replaced true human, ada@example.com <b>Read<\/b> it/ }).waitFor();
    await page.getByText("1,200 in, 34 out, 1,234 in all").waitFor();
    await page.getByText("<i>rivers</i>").waitFor();
    await table.getByRole("row", { name: /^fluent yes/ }).getByRole("link", { name: "answer" }).click();
    await page.getByRole("region", { name: "Span", exact: true }).getByRole("heading", { name: "answer" }).waitFor();
    await visitor.shoot(page, "runtabs-trace-1440-light");
    await page.context().close();
  });

  test.each([
    ["360-dark", { viewport: { width: 360, height: 800 }, colorScheme: "dark" }],
    ["1440-light", {}],
    ["3840-light", { viewport: { width: 3840, height: 2160 } }],
  ] as const)("every tab holds at %s, and axe finds nothing", async (size, options) => {
    const tabs = [
      ["charts", ""],
      ["system", ""],
      ["logs", "&bars=all"],
      ["artifacts", "&artifact=metrics.json"],
      ["traces", `&trace=${ids.trace}`],
    ] as const;
    const page = await open("", { ...options, bypassCSP: true });
    for (const [tab, more] of tabs) {
      await page.evaluate((to) => (location.hash = to), `#/runs/${ids.run}?tab=${tab}${more}`);
      await page.locator(`main [aria-current][href*="tab=${tab}"]`).waitFor();
      // Panels below are read when they come near.
      const waiting = () => page.evaluate(() => [...document.querySelectorAll("main .skeleton")].filter((s) => s.getBoundingClientRect().top < innerHeight).length);
      await expect.poll(waiting).toBe(0);
      await visitor.shoot(page, `runtabs-${tab}-${size}`);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
      // A wall shows the same parts, only more of them at once.
      if (size !== "3840-light") expect(await violations(page), tab).toEqual([]);
    }
    await page.context().close();
  });

  test("no page complained, and none asked another host", () => {
    expect(visitor.complaints).toEqual([]);
    expect(visitor.foreign).toEqual([]);
  });
});
