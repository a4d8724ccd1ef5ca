// The compare workspace in a real browser: many charts, zoom, live points and a connection that is lost.

import { readFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page, Request } from "playwright-core";

import { findChromium, inkOf, violations, Visitor } from "./browser";
import { Door, seedCompare, type Compared } from "./compareseed";
import { missing, startServer, type Server } from "./server";

const chromium = findChromium();
const reason = missing() ?? (chromium ? null : "Chromium is missing: apt-get install chromium, or name one by CHROMIUM");
if (reason) console.log(`skipped: ${reason}`);

describe.skipIf(reason !== null)("the compare workspace", () => {
  let server: Server;
  /** What the browser goes through, so that a test can cut it off. */
  let door: Door;
  let visitor: Visitor;
  let data: Compared;

  beforeAll(async () => {
    server = await startServer();
    data = await seedCompare(server.url);
    door = await Door.open(server.url);
    visitor = await Visitor.start(door.url, chromium as string);
  });

  afterAll(async () => {
    await visitor?.stop();
    await door?.close();
    await server?.stop();
  });

  const all = () => `#/compare?exp=${data.experiment}`;

  test("shows the ten newest runs, their charts in sections, each read once for all runs", async () => {
    const page = await visitor.open();
    const asked: Request[] = [];
    page.on("request", (r) => r.url().endsWith("/v1/series") && asked.push(r));
    await page.goto(`${door.url}/${all()}`);
    await drawn(page, "loss");
    expect(await page.getByRole("button", { name: /^Show / }).count()).toBe(12);
    expect(await eyes(page)).toBe(10);
    expect(await page.locator(".sections h2").allTextContents()).toEqual([expect.stringContaining("charts"), expect.stringContaining("train"), expect.stringContaining("val"), expect.stringContaining("system")]);
    const bodies = asked.map((r) => r.postDataJSON() as { keys: string[]; run_ids: string[] });
    expect(bodies.every((b) => b.run_ids.length === 10)).toBe(true);
    expect(bodies.length).toBeLessThan(4);
    await page.context().close();
  });

  test("an eye closes and opens a run in all charts, and the address remembers", async () => {
    const page = await visitor.open(all());
    await points(page, "loss", 10 * data.steps);
    await page.getByRole("button", { name: "Show run-05" }).click();
    await points(page, "loss", 9 * data.steps);
    expect(await eyes(page)).toBe(9);
    await page.reload();
    await points(page, "loss", 9 * data.steps);
    expect(await page.getByRole("button", { name: "Show run-05" }).getAttribute("aria-pressed")).toBe("false");
    await page.context().close();
  });

  test("a drag reads the range anew in all charts, down to points; a double click shows all", async () => {
    const page = await visitor.open(`${all()}&show=${data.runs[5]}`);
    await points(page, "loss", data.steps);
    const plot = panel(page, "loss").locator(".u-over");
    const box = await boxOf(plot);
    const asked = page.waitForRequest((r) => r.url().endsWith("/v1/series") && (r.postData() ?? "").includes('"from"'));
    const answer = page.waitForResponse((r) => r.url().endsWith("/v1/series") && /"loss".*"from"/.test(r.request().postData() ?? ""));
    await page.mouse.move(box.x + box.width * 0.6, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.63, box.y + 60, { steps: 4 });
    await page.mouse.up();
    expect(((await asked).postDataJSON() as { keys: string[] }).keys.length).toBeGreaterThan(1);
    const { series } = (await (await answer).json()) as { series: { key: string; raw: boolean; value: number[] }[] };
    const loss = series.find((s) => s.key === "loss");
    expect(loss?.raw).toBe(true);
    expect(loss?.value).toContain(data.spike.value);
    expect(page.url()).toMatch(/[?&]x=\d+%3A\d+/);
    await plot.dblclick();
    await points(page, "loss", data.steps);
    expect(page.url()).not.toContain("x=");
    await page.context().close();
  });

  test("a link opened elsewhere shows the same", async () => {
    const first = await visitor.open(all());
    await drawn(first, "loss");
    await first.getByLabel("Axis of x").selectOption("relative");
    await first.getByRole("button", { name: "Draw" }).click();
    await first.getByRole("checkbox", { name: "log y" }).check();
    await first.getByRole("checkbox", { name: "ignore outliers" }).check();
    await first.keyboard.press("Escape");
    await first.getByLabel("Smoothing").fill("0.6");
    await first.getByLabel("Group runs by").selectOption("params.optimizer");
    await first.getByLabel("Search metrics").fill("/^(train|val)/");
    await first.waitForURL(/search=/);
    await first.getByRole("button", { name: /^val \d/ }).click();
    await drawn(first, "train/loss");
    const link = first.url();
    const second = await visitor.open(new URL(link).hash);
    await drawn(second, "train/loss");
    expect(second.url()).toBe(link);
    for (const page of [first, second]) {
      expect(await page.getByLabel("Axis of x").inputValue()).toBe("relative");
      expect(await page.getByLabel("Group runs by").inputValue()).toBe("params.optimizer");
      expect(await page.locator(".sections h2").allTextContents()).toHaveLength(2);
      expect(await page.getByRole("button", { name: /^val \d/ }).getAttribute("aria-expanded")).toBe("false");
    }
    await visitor.shoot(second, "compare-grouped-1440-light");
    await first.context().close();
    await second.context().close();
  });

  test("the pointer moves one crosshair in all charts, and lights a run everywhere", async () => {
    const page = await visitor.open(all());
    await drawn(page, "train/loss");
    await drawn(page, "loss");
    const box = await boxOf(panel(page, "loss").locator(".u-over"));
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await panel(page, "loss").locator(".tip").waitFor();
    await expect.poll(() => shift(page, "train/loss")).toBeGreaterThan(0);
    expect(Math.abs((await shift(page, "train/loss")) - (await shift(page, "loss")))).toBeLessThan(3);
    const values = (await panel(page, "loss").locator(".tip tr td:nth-child(2)").allTextContents()).map(Number);
    expect(values).toEqual([...values].sort((a, b) => b - a));
    expect(await panel(page, "loss").locator(".tip tr.near").count()).toBe(1);
    const calm = await inkOf(panel(page, "train/loss").locator("canvas"));
    await page.getByRole("button", { name: "Show run-11" }).hover();
    // The lines of the others step back.
    await expect.poll(() => inkOf(panel(page, "train/loss").locator("canvas"))).toBeLessThan(calm * 0.8);
    await page.context().close();
  });

  test("points that are logged now come into the chart, and so does a new metric", async () => {
    const page = await visitor.open(`${all()}&show=${data.runs[11]}`);
    await points(page, "loss", data.steps);
    await connected(page);
    await data.log(data.runs[11] as string, "loss", data.steps, 0.125);
    await points(page, "loss", data.steps + 1);
    await page.getByRole("status").filter({ hasText: /live · / }).waitFor();
    await data.log(data.runs[11] as string, "train/late", 0, 1);
    await points(page, "train/late", 1);
    await page.context().close();
  });

  test("all pages of a browser share one stream", async () => {
    const first = await visitor.open(`${all()}&show=${data.runs[11]}`);
    await connected(first);
    const before = door.streams;
    const second = await first.context().newPage();
    await second.goto(first.url());
    await connected(second);
    await drawn(second, "loss");
    expect(door.streams).toBe(before);
    await data.log(data.runs[11] as string, "shared", 0, 1);
    await data.log(data.runs[11] as string, "shared", 1, 1);
    for (const page of [first, second]) await points(page, "shared", 2);
    await first.context().close();
  });

  test("a lost connection is said, and heals without a gap", async () => {
    visitor.expectedBreak = true;
    const page = await visitor.open(`${all()}&show=${data.runs[11]}&search=gap`);
    await data.log(data.runs[11] as string, "gap", 0, 1);
    await points(page, "gap", 1);
    await connected(page);
    door.shut();
    await page.getByText("connection lost, trying again").waitFor();
    await visitor.shoot(page, "compare-lost-1440-light");
    // Logged while nobody listens.
    for (let step = 1; step < 6; step++) await data.log(data.runs[11] as string, "gap", step, step);
    door.unlock();
    await connected(page);
    await points(page, "gap", 6);
    await data.log(data.runs[11] as string, "gap", 6, 6);
    await points(page, "gap", 7);
    await page.context().close();
    visitor.expectedBreak = false;
  });

  test("a panel fills the page, steps through the others, and saves what it shows", async () => {
    const page = await visitor.open(`${all()}&show=${data.runs[5]},${data.runs[6]}&full=loss`);
    const dialog = page.getByRole("dialog", { name: "loss" });
    await dialog.locator("tbody tr").nth(1).waitFor();
    for (const [kind, starts] of [["CSV", "id,name,step,loss"], ["SVG", "<svg"], ["PNG", "\x89PNG"]] as const) {
      await dialog.getByRole("button", { name: "Save loss" }).click();
      const download = page.waitForEvent("download");
      await dialog.getByRole("button", { name: `Save as ${kind}` }).click();
      const file = await download;
      expect(file.suggestedFilename()).toBe(`loss.${kind.toLowerCase()}`);
      expect(readFileSync(await file.path(), "latin1").startsWith(starts)).toBe(true);
    }
    await visitor.shoot(page, "compare-full-1440-light");
    await page.keyboard.press("ArrowRight");
    await page.getByRole("dialog", { name: "train/accuracy" }).waitFor();
    expect(page.url()).toContain("full=train%2Faccuracy");
    await page.keyboard.press("Escape");
    await expect.poll(() => page.url()).not.toContain("full=");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
    await page.context().close();
  });

  test("the diff shows what differs, and by how much from a baseline", async () => {
    const page = await visitor.open(`${all()}&show=${data.runs[5]},${data.runs[6]}&tab=diff`);
    await page.getByRole("row", { name: /^optimizer/ }).waitFor();
    expect(await page.getByRole("row", { name: /^layers/ }).count()).toBe(0);
    await page.getByRole("checkbox", { name: "only differences" }).uncheck();
    await page.getByRole("row", { name: /^layers/ }).waitFor();
    await page.getByLabel("baseline").selectOption({ label: "run-05" });
    await expect.poll(() => page.getByRole("row", { name: /^seed/ }).textContent()).toContain("+20.0 %");
    await visitor.shoot(page, "compare-diff-1440-light");
    await page.context().close();
  });

  test("parallel coordinates choose runs by what is marked, and a link keeps the marks", async () => {
    const page = await visitor.open(`${all()}&tab=parallel`);
    const picture = page.getByRole("img", { name: /^Parallel coordinates of 12 runs/ });
    await picture.locator("canvas").waitFor();
    expect(await picture.getAttribute("aria-label")).toMatch(/lr, optimizer, seed, loss$/);
    const box = await boxOf(picture);
    // The first axis is lr, of which the third with the greatest values is marked.
    await page.mouse.move(box.x + 70, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + 70, box.y + 110, { steps: 5 });
    await page.mouse.up();
    await page.getByText("4 of 12 runs chosen").waitFor();
    await visitor.shoot(page, "compare-parallel-1440-light");
    const second = await visitor.open(new URL(page.url()).hash, { colorScheme: "dark" });
    await second.getByText("4 of 12 runs chosen").waitFor();
    await visitor.shoot(second, "compare-parallel-1440-dark");
    await second.getByRole("button", { name: "Show these in charts" }).click();
    await points(second, "loss", 4 * data.steps);
    await page.getByRole("button", { name: "Choose all" }).click();
    await page.getByText("12 runs. Drag along an axis").waitFor();
    await page.context().close();
    await second.context().close();
  });

  test("a scatter plot sets any two against each other", async () => {
    const page = await visitor.open(`${all()}&tab=scatter`);
    await page.getByLabel("Axis of x").selectOption("params.seed");
    await page.getByRole("img", { name: "12 runs: loss over seed" }).locator("canvas").waitFor();
    await visitor.shoot(page, "compare-scatter-1440-light");
    expect(page.url()).toContain("scatter=params.seed,metrics.loss");
    await page.context().close();
  });

  test("importance names what the metric depends on, and opens it against the metric", async () => {
    const page = await visitor.open(`${all()}&tab=importance&goal=val/loss`);
    const first = page.getByRole("region", { name: "Importance of params" }).locator("tbody tr").first();
    await first.waitFor();
    expect(await first.textContent()).toContain("seed");
    await visitor.shoot(page, "compare-importance-1440-light");
    await first.getByRole("button", { name: "seed" }).click();
    await page.getByRole("img", { name: "12 runs: val/loss over seed" }).waitFor();
    await page.context().close();
  });

  test("ticked runs of the table are compared by one click", async () => {
    const page = await visitor.open(`#/runs?exp=${data.experiment}`);
    for (const name of ["run-03", "run-04"]) await page.getByRole("checkbox", { name: `Tick ${name}` }).check();
    await page.getByRole("link", { name: "Compare", exact: true }).last().click();
    await points(page, "loss", 2 * data.steps);
    expect(await eyes(page)).toBe(2);
    await page.context().close();
  });

  test("the keyboard does all: search, list, eyes, sections", async () => {
    const page = await visitor.open(`${all()}&show=${data.runs[11]}`);
    await drawn(page, "loss");
    await page.keyboard.press("/");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("type"))).toBe("search");
    await page.keyboard.type("val");
    await page.getByRole("region", { name: "val/accuracy" }).waitFor();
    await page.keyboard.press("Tab");
    await page.getByRole("button", { name: "Show run-11" }).focus();
    await page.keyboard.press("j");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Show run-10");
    await page.keyboard.press("Enter");
    await expect.poll(() => eyes(page)).toBe(2);
    await page.keyboard.press("[");
    await page.getByRole("complementary", { name: "Runs to compare" }).waitFor({ state: "detached" });
    await page.keyboard.press("[");
    await page.getByRole("complementary", { name: "Runs to compare" }).waitFor();
    await page.context().close();
  });

  test("a pattern finds names among more than a page holds", async () => {
    const page = await visitor.open(`#/compare?exp=${data.wide}`);
    await visitor.shoot(page, "compare-wide-1440-light");
    await page.getByText(/more metrics than these/).waitFor();
    await page.getByLabel("Search metrics").fill("layers/*/grad_2499");
    await points(page, "layers/49/grad_2499", 1);
    expect(await page.locator("section.panel").count()).toBe(1);
    await page.getByLabel("Search metrics").fill("/grad_(7|2498)$/");
    await points(page, "layers/49/grad_2498", 1);
    expect(await page.locator("section.panel").count()).toBe(2);
    await page.context().close();
  });

  test("the page of a run reads some of very many metrics, and finds the others", async () => {
    const page = await visitor.open(`#/?exp=${data.wide}`);
    const read: string[] = [];
    page.on("request", (request) => read.push(request.url()));
    await page.getByRole("link", { name: "many-names" }).first().click();
    await page.getByRole("heading", { name: /^Metrics 1000\+/ }).waitFor();
    expect(read.filter((url) => url.includes("runs/get"))).toEqual([]);
    const rows = page.getByRole("group", { name: "Metrics" }).getByRole("row");
    await page.getByLabel("Search metrics", { exact: true }).fill("grad_2499");
    await expect.poll(() => rows.count()).toBe(1);
    await rows.getByRole("button", { name: "layers/49/grad_2499" }).click();
    await expect.poll(() => page.url()).toContain("grad_2499");
    await page.getByText("1 point").first().waitFor();
    await page.context().close();
  });

  test("axe finds nothing in either theme, and nothing is wider than a telephone", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await visitor.open(all(), { colorScheme, bypassCSP: true });
      await drawn(page, "loss");
      await visitor.shoot(page, `compare-1440-${colorScheme}`);
      expect(await violations(page)).toEqual([]);
      await page.goto(`${door.url}/${all()}&tab=diff`);
      await page.getByRole("row", { name: /^optimizer/ }).waitFor();
      expect(await violations(page)).toEqual([]);
      for (const [width, height] of [[360, 800], [3840, 2160]] as const) {
        await page.setViewportSize({ width, height });
        await page.goto(`${door.url}/${all()}&smooth=0.6`);
        await drawn(page, "loss");
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        await visitor.shoot(page, `compare-${width}-${colorScheme}`);
      }
      await page.context().close();
    }
  });

  test("no page complained or asked anyone else", () => {
    expect(visitor.complaints).toEqual([]);
    expect(visitor.foreign).toEqual([]);
  });
});

const panel = (page: Page, metric: string) => page.getByRole("region", { name: metric, exact: true });

async function boxOf(locator: ReturnType<Page["locator"]>) {
  const box = await locator.boundingBox();
  if (!box) throw new Error("not on the page");
  return box;
}

/** Waits until a panel is drawn. */
async function drawn(page: Page, metric: string): Promise<void> {
  await panel(page, metric)
    .locator(".body:not(.waiting) canvas")
    .waitFor()
    .catch(async (cause: unknown) => {
      throw new Error(`${metric} is not drawn: ${String(await panel(page, metric).textContent({ timeout: 1000 }).catch(() => "no panel"))}`, { cause });
    });
}

/** Waits until a panel is drawn from so many points. */
async function points(page: Page, metric: string, n: number): Promise<void> {
  const text = `${n.toLocaleString("en-US")} ${n === 1 ? "point" : "points"}`;
  await panel(page, metric).locator(".points", { hasText: new RegExp(`^${text}$`) }).waitFor();
}

async function eyes(page: Page): Promise<number> {
  return page.locator('button.eye[aria-pressed="true"]').count();
}

async function connected(page: Page): Promise<void> {
  await page.locator('[data-connection="open"]').waitFor();
}

/** How far right the crosshair of a panel stands. */
async function shift(page: Page, metric: string): Promise<number> {
  return panel(page, metric).locator(".u-cursor-x").evaluate((node) => new DOMMatrix(getComputedStyle(node).transform).m41);
}
