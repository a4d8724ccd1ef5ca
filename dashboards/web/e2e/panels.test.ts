// The compare workspace beyond curves: bars, media by step, histograms, forks, and a layout that is changed and undone.

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

describe.skipIf(reason !== null)("panels of the compare workspace", () => {
  let server: Server;
  let visitor: Visitor;

  beforeAll(async () => {
    server = await startServer();
    visitor = await Visitor.start(server.url, chromium as string);
    const env = {
      ...process.env,
      PYTHONPATH: resolve(root, "clients/python/src"),
      STREAMGAUGE_URL: server.url,
      MLFLOW_TRACKING_URI: server.url,
      STREAMGAUGE_DIR: resolve(server.data, "spool"),
      STREAMGAUGE_QUIET: "1",
    };
    await promisify(execFile)(python, [resolve(import.meta.dirname, "panels.py")], { env });
  });

  afterAll(async () => {
    await visitor?.stop();
    await server?.stop();
  });

  test("a fork says whose values it begins with", async () => {
    const page = await visitor.open("#/compare?full=loss");
    await page.getByRole("dialog").getByRole("row", { name: /^child from parent up to 20/ }).waitFor();
    await visitor.shoot(page, "panels-fork-1440-light");
    await page.keyboard.press("Escape");
    await page.getByText("from parent at 20").waitFor();
    const plot = panel(page, "loss").locator(".u-over");
    await plot.hover({ position: { x: 12, y: 40 } });
    await panel(page, "loss").locator(".tip").getByText("child ← parent").waitFor();
    await page.goto(`${server.url}/#/compare?filter=${encodeURIComponent("attributes.run_name = 'child'")}&size=loss:2x2`);
    await panel(page, "loss").getByText("40 points").waitFor();
    await visitor.shoot(page, "panels-inherited-1440-light");
    await page.context().close();
  });

  test("panels are pinned, hidden, moved and sized; the address has it, and it is undone and done again", async () => {
    const page = await visitor.open("#/compare?exp=1");
    await panel(page, "loss").locator("canvas").waitFor();
    const before = page.url();
    await arrange(page, "val/accuracy", "Pin above all sections");
    const pinned = page.getByRole("region", { name: "Pinned panels" });
    await pinned.getByRole("region", { name: "val/accuracy" }).locator("canvas").waitFor();
    await panel(page, "loss").locator("h3").dragTo(pinned.getByRole("region", { name: "val/accuracy" }).locator(".body"));
    await expect.poll(() => pinned.getByRole("heading", { level: 3 }).allTextContents()).toEqual(["loss", "val/accuracy"]);
    await page.getByRole("button", { name: /^Size of loss/ }).press("ArrowRight");
    await expect.poll(() => page.url()).toContain("size=loss%3A2x1");
    const wide = await boxOf(panel(page, "loss"));
    expect(wide.width).toBeGreaterThan(1.8 * (await boxOf(panel(page, "val/accuracy"))).width);
    const corner = await boxOf(page.getByRole("button", { name: /^Size of loss/ }));
    await page.mouse.move(corner.x + 12, corner.y + 12);
    await page.mouse.down();
    await page.mouse.move(corner.x + 12, corner.y + 240, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => page.url()).toContain("size=loss%3A2x2");
    await arrange(page, "val/accuracy", "Hide");
    await panel(page, "val/accuracy").waitFor({ state: "detached" });
    await visitor.shoot(page, "panels-layout-1440-light");
    const all = page.url();
    const other = await visitor.open(new URL(all).hash);
    await panel(other, "loss").locator("canvas").waitFor();
    expect((await boxOf(panel(other, "loss"))).height).toBeGreaterThan(450);
    expect(await panel(other, "val/accuracy").count()).toBe(0);
    await other.context().close();
    for (let i = 0; i < 5; i++) await page.keyboard.press("Control+z");
    expect(page.url()).toBe(before);
    expect(await page.getByRole("button", { name: "Undo the layout" }).isDisabled()).toBe(true);
    for (let i = 0; i < 5; i++) await page.keyboard.press("Control+Shift+Z");
    expect(page.url()).toBe(all);
    await page.getByRole("button", { name: "1 hidden" }).click();
    await page.getByRole("button", { name: "Show val/accuracy" }).click();
    await panel(page, "val/accuracy").waitFor();
    await page.context().close();
  });

  test("bars show a value of each run, and of groups the mean and the spread", async () => {
    const page = await visitor.open("#/compare?tab=bars&goal=loss");
    const bars = page.getByRole("region", { name: "Bars of loss" });
    await bars.getByRole("row", { name: /^plain/ }).waitFor();
    const names = () => bars.getByRole("rowheader").allTextContents();
    expect((await names()).sort()).toEqual(["child", "parent", "plain"]);
    const values = (await bars.locator("tbody td.number").allTextContents()).map(Number);
    expect(values).toEqual([...values].sort((a, b) => a - b));
    await page.getByLabel("Value of a bar").selectOption("max");
    await expect.poll(() => bars.getByRole("row", { name: /^plain/ }).textContent()).toContain("3");
    await page.getByLabel("Group runs by").selectOption("params.lr");
    await expect.poll(names).toHaveLength(2);
    expect(await bars.getByRole("row", { name: /^0\.1/ }).textContent()).toMatch(/….*2$/);
    await visitor.shoot(page, "panels-bars-1440-light");
    await page.context().close();
  });

  test("media of several runs stand side by side at one step, whichever client has logged them", async () => {
    const page = await visitor.open("#/compare?tab=media");
    const sample = page.getByRole("region", { name: "val/sample", exact: true });
    await expect.poll(() => loaded(sample)).toBe(3);
    await page.getByRole("button", { name: "Enlarge val/sample of plain, step 20" }).click();
    const large = page.getByRole("dialog", { name: "val/sample of plain, step 20" });
    expect((await boxOf(large.locator("img"))).height).toBeGreaterThan(600);
    await visitor.shoot(page, "panels-enlarged-1440-light");
    await page.keyboard.press("Escape");
    await large.waitFor({ state: "hidden" });
    await page.getByRole("region", { name: "val/errors of parent, step 39" }).getByRole("cell", { name: "<i>cat</i>" }).waitFor();
    await page.getByLabel("Step", { exact: true }).fill("1");
    await expect.poll(() => page.url()).toContain("step=10");
    // The fork has nothing of its own before it was forked; MLflow's run shows what it had by then.
    await expect.poll(() => sample.getByRole("article").evaluateAll((all) => all.map((a) => `${a.getAttribute("aria-label")}: ${a.querySelector(".tile p")?.textContent}`).sort())).toEqual([
      "val/sample of child: ",
      "val/sample of parent: step 10",
      "val/sample of plain: step 0",
    ]);
    await page.getByRole("region", { name: "val/words of parent, step 10" }).getByText("at step 10 <b>bold</b>").waitFor();
    const second = await visitor.open(new URL(page.url()).hash);
    await second.getByText("at step 10 <b>bold</b>").waitFor();
    await second.context().close();
    await page.getByRole("button", { name: "Newest" }).click();
    await page.getByLabel("Search media").fill("val/page");
    const frame = page.frameLocator("iframe").first();
    await frame.getByRole("heading", { name: "Report" }).waitFor();
    expect(await page.title()).not.toBe("owned");
    await page.context().close();
  });

  test("histograms over steps are a heat map with a table behind it", async () => {
    const page = await visitor.open("#/compare?tab=media&search=weights");
    const tile = page.getByRole("article", { name: "weights of parent" });
    await tile.getByRole("img", { name: "Histograms of weights over 4 steps" }).locator("canvas").first().waitFor();
    await tile.locator("summary").click();
    expect(await tile.getByRole("rowheader").allTextContents()).toEqual(["0", "10", "20", "30"]);
    expect(await tile.getByRole("row", { name: /^30/ }).textContent()).toContain("500");
    await visitor.shoot(page, "panels-histograms-1440-light");
    await page.context().close();
  });

  test("axe finds nothing in either theme, and nothing is wider than a telephone", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await visitor.open("", { colorScheme, bypassCSP: true });
      for (const [name, hash, sign] of VIEWS) {
        await page.setViewportSize({ width: 1440, height: 900 });
        await page.goto(`${server.url}/${hash}`);
        await page.locator(sign).first().waitFor();
        await visitor.shoot(page, `panels-${name}-1440-${colorScheme}`);
        expect(await violations(page)).toEqual([]);
        await page.setViewportSize({ width: 360, height: 800 });
        await page.locator(sign).first().waitFor();
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
        await visitor.shoot(page, `panels-${name}-360-${colorScheme}`);
      }
      await page.context().close();
    }
  });

  test("no page complained or asked anyone else", () => {
    // The browser says so of the script that a logged page wanted to run.
    expect(visitor.complaints.filter((c) => !/Blocked script execution|about:srcdoc/.test(c))).toEqual([]);
    expect(visitor.foreign).toEqual([]);
  });
});

/** What is looked at, and what is there when it is drawn. */
const VIEWS = [
  ["charts", "#/compare?pin=val/accuracy&size=loss:2x1", ".panel canvas"],
  ["bars", "#/compare?tab=bars&goal=loss&group=params.lr", ".bar"],
  ["media", "#/compare?tab=media", ".tile img"],
] as const;

const panel = (page: Page, metric: string) => page.getByRole("region", { name: metric, exact: true });

/** Chooses from a panel's menu. */
async function arrange(page: Page, metric: string, what: string): Promise<void> {
  await panel(page, metric).getByRole("button", { name: `Save ${metric}, or arrange it` }).click();
  await page.getByRole("button", { name: what }).click();
}

async function loaded(within: ReturnType<Page["locator"]>): Promise<number> {
  return within.locator("button > img").evaluateAll((all) => all.filter((img) => (img as HTMLImageElement).naturalWidth === 32).length);
}

async function boxOf(locator: ReturnType<Page["locator"]>) {
  const box = await locator.boundingBox();
  if (!box) throw new Error("not on the page");
  return box;
}
