// The page of one run that a training with git, lines, artifacts and traces has logged.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";

import { findChromium, violations, Visitor } from "./browser";
import { missing, startServer, type Server } from "./server";

const root = resolve(import.meta.dirname, "../../..");
const python = resolve(root, ".build/venv/bin/python");
const chromium = findChromium();
const reason =
  missing() ?? (chromium ? null : "Chromium is missing: apt-get install chromium") ?? (existsSync(python) ? null : `${python} is missing: make venv`);
if (reason) console.log(`skipped: ${reason}`);

interface Ids {
  readonly run: string;
  readonly fork: string;
  readonly nested: string;
}

describe.skipIf(reason !== null)("a run's page", () => {
  let server: Server;
  let visitor: Visitor;
  let ids: Ids;

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
    const { stdout } = await promisify(execFile)(python, [resolve(import.meta.dirname, "runpage.py")], { env });
    ids = JSON.parse(/^ids (.*)$/m.exec(stdout)?.[1] ?? "{}") as Ids;
  });

  afterAll(async () => {
    await visitor?.stop();
    await server?.stop();
  });

  const open = async (run = ids.run, options = {}) => {
    const page = await visitor.open(`#/runs/${run}`, options);
    await page.getByRole("heading", { name: run === ids.run ? "whole-run" : "forked-run" }).waitFor();
    return page;
  };
  /** The page on its artifacts. */
  const files = async (options = {}) => {
    const page = await open(ids.run, options);
    await page.getByRole("link", { name: "Artifacts", exact: true }).click();
    return page;
  };
  const look = async (page: Page, name: string) => {
    await page.getByRole("button", { name: `Look at ${name}`, exact: true }).click();
    return page.getByRole("region", { name: `Preview of ${name}` });
  };

  test("the note is Markdown, and nothing in it runs or is loaded", async () => {
    const page = await open();
    await page.getByRole("heading", { name: "Why this run" }).waitFor();
    await expect.poll(() => page.locator("strong", { hasText: "warm-up" }).count()).toBe(1);
    const link = page.getByRole("link", { name: "the plan" });
    expect(await link.getAttribute("rel")).toBe("noopener noreferrer");
    expect(await page.title()).toContain("whole-run");
    expect(await page.locator("a[href^=javascript]").count()).toBe(0);
    await page.context().close();
  });

  test("it says which code, command and machine the run comes from, and shows the changes", async () => {
    const page = await open();
    await page.getByRole("row", { name: "branch warm-up", exact: true }).waitFor();
    await page.getByRole("row", { name: /^commit [0-9a-f]{40}/ }).waitFor();
    await page.getByText("Changes that were not committed").click();
    const diff = page.getByLabel("Diff");
    expect(await diff.locator(".added").allTextContents()).toContain("+RATE = 0.2\n");
    expect(await diff.locator(".removed").allTextContents()).toContain("-RATE = 0.1\n");
    await page.getByText("Packages", { exact: true }).click();
    await page.getByRole("row", { name: /^mlflow 3\./ }).waitFor();
    await page.context().close();
  });

  test("the config is a tree: nested keys and JSON, folded, searched, copied whole", async () => {
    const page = await open(ids.run, { permissions: ["clipboard-read", "clipboard-write"] });
    const params = page.getByRole("group", { name: "Params" });
    await params.getByRole("row", { name: /^warmup 1000/ }).waitFor();
    await params.getByRole("button", { name: "schedule", exact: true }).click();
    await expect.poll(() => params.getByRole("row", { name: /^warmup/ }).count()).toBe(0);
    await page.getByRole("searchbox", { name: "Search params" }).fill("WARM");
    await params.getByRole("row", { name: /^warmup 1000/ }).waitFor();
    expect(await params.getByRole("row").count()).toBe(3);
    await page.getByRole("searchbox", { name: "Search params" }).fill("");
    await params.getByRole("button", { name: "sampler", exact: true }).focus();
    await page.keyboard.press("ArrowRight");
    await params.getByRole("button", { name: "weights", exact: true }).click();
    await params.getByRole("row", { name: /^<b>books<\/b> 0.3/ }).waitFor();
    await params.getByRole("button", { name: "Copy long" }).click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe("y".repeat(6000));
    await page.context().close();
  });

  test("forks are found from both ends", async () => {
    const page = await open();
    await page.getByRole("link", { name: "forked-run" }).click();
    await page.getByRole("heading", { name: "forked-run" }).waitFor();
    await page.getByRole("link", { name: "forked at step 100" }).click();
    await page.getByRole("heading", { name: "whole-run" }).waitFor();
    await page.context().close();
  });

  test("artifacts are looked at: pictures, text, JSON, tables, sound", async () => {
    const page = await files();
    await look(page, "table.csv").then((p) => p.getByRole("cell", { name: "row 499" }).waitFor());
    for (const name of ["table.parquet", "table.zstd.parquet"]) {
      const shown = await look(page, name);
      await shown.getByRole("cell", { name: String(2n ** 60n + 3n) }).waitFor();
      await shown.getByText("2,500 rows, the first 500 of them").waitFor();
    }
    await visitor.shoot(page, "runpage-parquet-1440-light");
    await look(page, "quoted.csv").then((p) => p.getByRole("cell", { name: "Ada; of L." }).waitFor());
    await look(page, "config.json").then((p) => p.getByRole("row", { name: /^html "<b>bold<\/b>"/ }).waitFor());
    await look(page, "log.txt").then((p) => p.getByText("the first 1.0 MB of 2.9 MB; download it for all").waitFor());
    await look(page, "tone.wav").then((p) => expect.poll(() => p.locator("audio").evaluate((a) => (a as HTMLAudioElement).duration)).toBeCloseTo(1));
    await page.getByRole("button", { name: "plots/" }).click();
    const picture = (await look(page, "a <b> picture.png")).locator("img");
    await expect.poll(() => picture.evaluate((i) => (i as HTMLImageElement).naturalWidth)).toBe(320);
    await visitor.shoot(page, "runpage-picture-1440-light");
    await page.context().close();
  });

  test("a link shows the artifact that was looked at, or says that it is gone", async () => {
    const page = await files();
    await page.getByRole("button", { name: "plots/" }).click();
    await look(page, "a <b> picture.png");
    const hash = new URL(page.url()).hash;
    await page.context().close();
    const other = await visitor.open(hash);
    const shown = other.getByRole("region", { name: "Preview of a <b> picture.png" });
    await expect.poll(() => shown.locator("img").evaluate((i) => (i as HTMLImageElement).naturalWidth)).toBe(320);
    await expect.poll(() => shown.evaluate((node) => node.getBoundingClientRect().top < innerHeight)).toBe(true);
    await other.getByRole("button", { name: "Look at a <b> picture.png" }).click();
    await expect.poll(() => shown.count()).toBe(0);
    expect(new URL(other.url()).hash).toMatch(/artifact=plots%2F$/);
    await other.context().close();
    const gone = await visitor.open(`#/runs/${ids.run}?artifact=plots/${encodeURIComponent("<i>gone</i>.png")}`);
    await gone.getByText("There is no file plots/<i>gone</i>.png here.").waitFor();
    await gone.context().close();
  });

  test("a report runs its script and can neither act on the server nor read the page", async () => {
    const page = await files();
    await page.evaluate(() => {
      const said: Record<string, string> = {};
      Object.assign(window, { said });
      addEventListener("message", (e) => Object.assign(said, e.data as Record<string, string>));
    });
    await look(page, "report.html");
    await page.frameLocator("iframe").getByText("script ran").waitFor();
    const said = () => page.evaluate(() => (window as unknown as { said: Record<string, string> }).said);
    await expect.poll(said).toEqual({ post: "refused", read: "refused", parent: "refused", cookie: "refused" });
    await page.reload();
    await page.getByRole("heading", { name: "whole-run" }).waitFor();
    expect(await page.locator("header .muted", { hasText: /^deleted$/ }).count()).toBe(0);
    await page.context().close();
  });

  test("a folder is saved as one file", async () => {
    const page = await files();
    await page.getByRole("button", { name: "plots/" }).click();
    await page.getByRole("button", { name: "Look at x.svg" }).waitFor();
    const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download folder" }).click()]);
    expect(saved.suggestedFilename()).toBe("plots.zip");
    expect(await saved.failure()).toBeNull();
    await page.context().close();
  });

  const traces = async (page: Page) => {
    await page.getByRole("link", { name: "Traces", exact: true }).click();
    await page.getByRole("region", { name: "Traces of the run" }).waitFor();
  };

  test("traces are listed by page; one is opened, walked by keys and linked to", async () => {
    const page = await open();
    await traces(page);
    await page.getByRole("row", { name: /ask .*fail.* error$/ }).waitFor();
    await page.getByRole("link", { name: "Older", exact: true }).click();
    await expect.poll(() => page.getByRole("link", { name: "small" }).count()).toBe(4);
    await page.getByRole("link", { name: "Newest", exact: true }).click();
    await page.getByRole("row", { name: /ask .*fail/ }).getByRole("link").click();
    const spans = page.getByRole("tree", { name: "Spans" });
    const facts = page.getByRole("region", { name: "Span", exact: true });
    await spans.focus();
    expect(await spans.getByRole("treeitem").count()).toBe(3);
    await page.keyboard.press("ArrowDown");
    await facts.getByLabel("Outputs", { exact: true }).getByText("<b>another</b>").waitFor();
    await page.keyboard.press("End");
    await facts.getByRole("heading", { name: "answer" }).waitFor();
    await facts.getByText("ValueError: no answer to this").first().waitFor();
    await facts.getByLabel("exception.stacktrace", { exact: true }).getByText("raise ValueError").waitFor();
    expect(await facts.locator("dl").textContent()).toContain("temperature");
    const link = page.url();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => spans.getByRole("treeitem").count()).toBe(1);
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => spans.getByRole("treeitem").count()).toBe(3);
    await page.getByText("As a table").click();
    await expect.poll(() => page.getByRole("region", { name: "Table of spans" }).getByRole("row").count()).toBe(4);
    await page.context().close();

    const other = await visitor.open(link.slice(link.indexOf("#")));
    await other.getByRole("region", { name: "Span", exact: true }).getByRole("heading", { name: "answer" }).waitFor();
    await visitor.shoot(other, "runpage-trace-1440-light");
    await other.context().close();
  });

  test("a run without traces has no such tab, and an unknown trace a way back", async () => {
    const page = await open(ids.fork);
    await page.waitForLoadState("networkidle");
    expect(await page.getByRole("link", { name: "Traces", exact: true }).count()).toBe(0);
    await page.context().close();
    visitor.expectedStatus = 404;
    const lost = await visitor.open(`#/runs/${ids.run}?tab=traces&trace=tr-none`);
    await lost.getByText("Trace with ID 'tr-none' not found.").first().waitFor();
    await lost.getByRole("link", { name: "All traces" }).click();
    await lost.getByRole("region", { name: "Traces of the run" }).waitFor();
    visitor.expectedStatus = 0;
    await lost.context().close();
  });

  test("a trace with 301 spans and a name of 10,000 characters holds on a telephone and in the dark", async () => {
    const shots = [
      ["1440-dark", { colorScheme: "dark" }],
      ["360-light", { viewport: { width: 360, height: 1400 } }],
    ] as const;
    for (const [name, options] of shots) {
      const page = await open(ids.run, { ...options, bypassCSP: true });
      await traces(page);
      await visitor.shoot(page, `runpage-traces-${name}`);
      expect(await violations(page)).toEqual([]);
      await page.getByRole("link", { name: "<img src=x" }).click();
      const spans = page.getByRole("tree", { name: "Spans" });
      await spans.focus();
      await visitor.shoot(page, `runpage-trace-long-${name}`);
      await page.keyboard.press("End");
      await page.getByRole("treeitem", { name: /^inner/, selected: true }).waitFor();
      // Only what is in sight is in the page.
      expect(await spans.getByRole("treeitem").count()).toBeLessThan(100);
      await page.getByText("As a table").click();
      await page.getByRole("cell", { name: "ok" }).first().waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
      expect(await violations(page)).toEqual([]);
      await page.context().close();
    }
  });

  test("it holds on a telephone and in the dark, and axe finds nothing", async () => {
    const shots = [
      ["1440-light", { viewport: { width: 1440, height: 2400 } }],
      ["1440-dark", { viewport: { width: 1440, height: 2400 }, colorScheme: "dark" }],
      ["360-dark", { viewport: { width: 360, height: 2400 }, colorScheme: "dark" }],
    ] as const;
    for (const [name, options] of shots) {
      const page = await files({ ...options, bypassCSP: true });
      await look(page, "table.csv").then((p) => p.getByRole("cell", { name: "row 499" }).waitFor());
      await page.getByRole("link", { name: "Overview", exact: true }).click();
      await page.getByText("Changes that were not committed").click();
      await page.getByRole("button", { name: "sampler", exact: true }).click();
      await visitor.shoot(page, `runpage-${name}`);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
      expect(await violations(page)).toEqual([]);
      await page.context().close();
    }
  });

  test("no page complained, and none asked another host", () => {
    // What the policy of the report has refused the browser says too, at some time.
    const refused = /violates the following Content Security Policy directive: "connect-src data: blob:"|^Fetch API cannot load/;
    expect(visitor.complaints.filter((c) => !refused.test(c))).toEqual([]);
    expect(visitor.foreign).toEqual([]);
  });
});
