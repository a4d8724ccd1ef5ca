// Statements in a real browser: written, completed, run, wrong, drawn, downloaded.

import { readFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Locator, Page } from "playwright-core";

import { findChromium, violations, Visitor } from "./browser";
import { missing, startServer, type Server } from "./server";

const chromium = findChromium();
const reason = missing() ?? (chromium ? null : "Chromium is missing: apt-get install chromium");
if (reason) console.log(`skipped: ${reason}`);

const RUNS = 40;

describe.skipIf(reason !== null)("SQL", () => {
  let server: Server;
  let visitor: Visitor;

  beforeAll(async () => {
    server = await startServer();
    visitor = await Visitor.start(server.url, chromium as string);
    const post = async <T>(path: string, body: unknown): Promise<T> => {
      const response = await fetch(`${server.url}/api/2.0/mlflow/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return (await response.json()) as T;
    };
    const { experiment_id } = await post<{ experiment_id: string }>("experiments/create", { name: "asked" });
    for (let i = 0; i < RUNS; i++) {
      const { run } = await post<{ run: { info: { run_id: string } } }>("runs/create", { experiment_id, run_name: i === 0 ? "<b>bold</b>" : `run-${i}`, start_time: Date.now() - i * 3_600_000 });
      await post("runs/log-batch", { run_id: run.info.run_id, metrics: [{ key: "loss", value: 1 / (i + 1), step: 1, timestamp: Date.now() }], params: [{ key: "learning_rate", value: String(0.1 / (i + 1)) }] });
    }
    await post("registered-models/create", { name: "wine" });
    await post("model-versions/create", { name: "wine", source: "s3://bucket/model" });
    await post("model-versions/transition-stage", { name: "wine", version: "1", stage: "Production" });
  });

  afterAll(async () => {
    await visitor?.stop();
    await server?.stop();
  });

  const link = (query: string, more = "") => `#/sql?query=${encodeURIComponent(query)}${more}`;
  const statement = (page: Page) => page.getByRole("textbox", { name: "Statement" });
  const rows = (page: Page) => page.getByRole("region", { name: "Rows" }).locator("tbody tr:not([aria-hidden])");

  const NEWEST = "SELECT name, started FROM sg.runs ORDER BY started DESC";

  test("an empty page offers what the documentation works out, and it is run", async () => {
    const page = await visitor.open("#/sql");
    await page.getByText('streamgauge sql "SELECT').waitFor();
    await page.getByRole("button", { name: "Runs that diverged" }).waitFor();
    await visitor.shoot(page, "sql-empty-1440-light");
    await page.getByRole("button", { name: "The newest runs" }).click();
    await expect.poll(() => rows(page).first().textContent()).toContain("<b>bold</b>");
    expect(decodeURIComponent(page.url())).toContain("FROM sg.runs");
    await page.context().close();
  });

  test("a statement with names of the documentation waits for one's own", async () => {
    const page = await visitor.open("#/sql");
    await page.getByLabel("A statement to begin with").selectOption("Where the best value was");
    await page.getByRole("status").filter({ hasText: "In place of val_loss put a name of yours" }).waitFor();
    await visitor.shoot(page, "sql-names-1440-light");
    // The name is selected, so that typing replaces it.
    await page.keyboard.type("loss");
    await page.keyboard.press("Control+Enter");
    await expect.poll(() => rows(page).count()).toBeGreaterThan(0);
    expect(decodeURIComponent(page.url())).toContain("key = 'loss'");
    await page.context().close();
  });

  test("what is written and was not run is there after a reload, and not run before its time", async () => {
    const page = await visitor.open("#/sql");
    await statement(page).click();
    await page.keyboard.type("SELECT 42 AS answer");
    await expect.poll(() => decodeURIComponent(page.url())).toContain("query=SELECT 42 AS answer");
    expect(await page.getByRole("region", { name: "Rows" }).count()).toBe(0);
    await page.reload();
    await expect.poll(() => rows(page).first().textContent()).toBe("42");
    await page.context().close();
  });

  test("functions are completed: ours, and ClickHouse's as it writes them", async () => {
    const page = await visitor.open("#/sql");
    await page.getByRole("region", { name: "Schema" }).getByText("sg.metrics_latest").waitFor();
    await statement(page).click();
    for (const [typed, offered, written] of [["SELECT sgRu", "sgRun", "sgRun()"], ["SELECT argm", "argMax", "argMax()"]] as const) {
      await page.keyboard.press("Control+A");
      await page.keyboard.type(typed);
      await page.locator(".cm-tooltip-autocomplete li", { hasText: offered }).click();
      await expect.poll(() => statement(page).textContent()).toBe(`SELECT ${written}`);
    }
    await page.context().close();
  });

  test("by keyboard alone: written, run, left, and the rows scrolled", async () => {
    const page = await visitor.open("#/sql");
    await statement(page).focus();
    await page.keyboard.type("SELECT number FROM numbers(1000)");
    await page.keyboard.press("Control+Enter");
    await rows(page).first().waitFor();
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "");
    for (let i = 0; i < 12 && (await focused()) !== "Rows"; i++) await page.keyboard.press("Tab");
    expect(await focused()).toBe("Rows");
    await page.keyboard.press("End");
    await expect.poll(() => rows(page).last().textContent()).toBe("999");
    await page.context().close();
  });

  test("what is missing or no number is said, and a statement that takes too long is stopped", async () => {
    const page = await visitor.open(link("SELECT NULL AS gone, nan AS odd, inf AS far, 9223372036854775807 AS exact, 'text' AS words"));
    await expect.poll(() => rows(page).first().locator("td").allTextContents()).toEqual(["NULL", "nan", "inf", "9223372036854775807", "text"]);
    visitor.expectedBreak = true;
    await page.evaluate((hash) => (location.hash = hash), link("SELECT count() FROM numbers(15000000000) WHERE cityHash64(number) = 0"));
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByRole("button", { name: "Run", exact: true }).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    visitor.expectedBreak = false;
    await page.context().close();
  });

  test("a statement is completed from the schema, run, and shown to a colleague by its link", async () => {
    const page = await visitor.open("#/runs");
    await page.getByRole("link", { name: "SQL" }).click();
    await page.getByRole("region", { name: "Schema" }).getByText("sg.metrics_latest").waitFor();
    await statement(page).click();
    await page.keyboard.type("SELECT name FROM sg.runs ORDER BY star");
    const offered = page.locator(".cm-tooltip-autocomplete li", { hasText: "started" });
    await offered.waitFor();
    await visitor.shoot(page, "sql-completion-1440-light");
    await offered.click();
    await page.keyboard.type(" DESC");
    await page.keyboard.press("Control+Enter");
    await expect.poll(() => rows(page).first().textContent()).toBe("<b>bold</b>");
    await page.getByRole("status").filter({ hasText: `${RUNS} rows` }).waitFor();
    expect(decodeURIComponent(page.url())).toContain("query=SELECT name FROM sg.runs ORDER BY started DESC");
    const second = await visitor.open(new URL(page.url()).hash);
    await expect.poll(() => rows(second).count()).toBeGreaterThan(20);
    await second.context().close();
    await page.context().close();
  });

  test("a mistake is marked where it is, and a write is refused", async () => {
    visitor.expectedStatus = 400;
    const page = await visitor.open(link("SELECT name\nFROM runs\nWHERE nmae = 1 ORDER"));
    await page.getByRole("alert").getByText("Refused").waitFor();
    await page.locator(".mistake").waitFor();
    await visitor.shoot(page, "sql-mistake-1440-light");
    await page.context().close();
    visitor.expectedStatus = 403;
    const other = await visitor.open(link("DROP TABLE streamgauge.points"));
    await other.getByRole("alert").waitFor();
    visitor.expectedStatus = 0;
    await other.context().close();
  });

  test("an answer is drawn, and many rows are few in the page", async () => {
    const page = await visitor.open(link("SELECT number AS n, sin(number / 500) AS wave, cos(number / 500) AS other FROM numbers(50000)", "&chart=line&over=n&of=wave,other"));
    await page.getByRole("img", { name: "wave, other over n, 50000 rows" }).locator("canvas").waitFor();
    await page.getByText("The first 20,000 rows are drawn.").waitFor();
    expect(await rows(page).count()).toBeLessThan(100);
    await page.getByRole("region", { name: "Rows" }).evaluate((node) => node.scrollTo(0, node.scrollHeight));
    await expect.poll(() => rows(page).last().locator("td").first().textContent()).toBe("49999");
    await visitor.shoot(page, "sql-chart-1440-light");
    await page.context().close();
  });

  test("an answer is taken along as CSV and as Parquet", async () => {
    const page = await visitor.open(link("SELECT name FROM sg.runs ORDER BY name"));
    await rows(page).first().waitFor();
    for (const [kind, starts] of [["CSV", '"name"'], ["Parquet", "PAR1"]] as const) {
      const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: kind }).click()]);
      expect(file.suggestedFilename()).toBe(`streamgauge.${kind.toLowerCase()}`);
      expect(readFileSync(await file.path(), "latin1").startsWith(starts)).toBe(true);
    }
    await page.context().close();
  });

  test("axe finds nothing in either theme, and nothing is wider than a telephone", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await visitor.open(link(NEWEST), { colorScheme, bypassCSP: true });
      await rows(page).first().waitFor();
      await statement(page).waitFor();
      await visitor.shoot(page, `sql-1440-${colorScheme}`);
      expect(await violations(page)).toEqual([]);
      await page.setViewportSize({ width: 360, height: 800 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
      await visitor.shoot(page, `sql-360-${colorScheme}`);
      await page.goto(`${server.url}/${link("SELECT number FROM numbers(50000)")}`);
      await page.getByRole("status").filter({ hasText: "50,000 rows" }).waitFor();
      expect(await rows(page).count()).toBeLessThan(100);
      await page.goto(`${server.url}/#/sql`);
      await page.getByRole("button", { name: "The newest runs" }).waitFor();
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
      await visitor.shoot(page, `sql-empty-360-${colorScheme}`);
      await page.context().close();
    }
  });

  test("no page complained or asked anyone else", () => {
    expect(visitor.complaints).toEqual([]);
    expect(visitor.foreign).toEqual([]);
  });
});
