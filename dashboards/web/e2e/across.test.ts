// Across experiments: runs that are found and compared wherever they are, exact values on the clipboard, and pictures that say
// what they do not know.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";

import { findChromium, inkOf, violations, Visitor } from "./browser";
import { Door } from "./compareseed";
import { missing, startServer, type Server } from "./server";

const chromium = findChromium();
const reason = missing() ?? (chromium ? null : "Chromium is missing: apt-get install chromium, or name one by CHROMIUM");
if (reason) console.log(`skipped: ${reason}`);

const SCORE = 0.9832070707123456;
const NOISY = 40;

interface Seeded {
  /** The oldest of 16 experiments, with its runs. */
  readonly oldest: string;
  readonly runs: readonly string[];
  readonly newest: string;
  /** Runs whose metric has nothing to do with their params. */
  readonly noise: string;
}

async function seed(url: string): Promise<Seeded> {
  const post = async <T>(path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${url}/api/2.0/mlflow/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  };
  const experiment = async (name: string) => (await post<{ experiment_id: string }>("experiments/create", { name })).experiment_id;
  const start = Date.now() - 3_600_000;
  let made = 0;
  const run = async (of: string, name: string, metrics: readonly object[], params: Record<string, string> = {}) => {
    const begun = start + 1000 * made++;
    const { info } = (await post<{ run: { info: { run_id: string } } }>("runs/create", { experiment_id: of, run_name: name, start_time: begun })).run;
    await post("runs/log-batch", { run_id: info.run_id, params: Object.entries(params).map(([key, value]) => ({ key, value })), metrics });
    await post("runs/update", { run_id: info.run_id, status: "FINISHED", end_time: begun + 1000 });
    return info.run_id;
  };
  const at = (key: string, value: number, step = 0) => ({ key, value, step, timestamp: start + step });
  const falling = Array.from({ length: 200 }, (_, s) => at("loss", 2 / (1 + s), s));
  const oldest = await experiment("gradient boosting");
  const runs = [
    await run(oldest, "boosting-07", [...falling, at("score", SCORE)], { lr: "0.001" }),
    await run(oldest, "boosting-08", [...falling, at("score", 0.0012345678)], { lr: "0.1" }),
  ];
  let newest = "";
  for (let i = 0; i < 14; i++) newest = await experiment(`other-${i}`);
  const other = await run(newest, "other-run", [...falling, at("score", 0.5)], { lr: "0.01" });
  const noise = await experiment("noise");
  const random = (i: number) => Math.abs(Math.sin(i * 12.9898) * 43758.5453) % 1;
  for (let i = 0; i < NOISY; i++) await run(noise, `noise-${i}`, [at("luck", random(3 * i))], { depth: String(1 + Math.floor(8 * random(3 * i + 1))), lr: String(random(3 * i + 2)) });
  return { oldest, runs: [...runs, other], newest, noise };
}

describe.skipIf(reason !== null)("across experiments", () => {
  let server: Server;
  /** What the browser goes through, so that a test can cut it off. */
  let door: Door;
  let visitor: Visitor;
  let data: Seeded;

  beforeAll(async () => {
    server = await startServer();
    data = await seed(server.url);
    door = await Door.open(server.url);
    visitor = await Visitor.start(door.url, chromium as string);
  });

  afterAll(async () => {
    await visitor?.stop();
    await door?.close();
    await server?.stop();
  });

  test("Ctrl-K finds a run of the oldest experiment by its name and by its id", async () => {
    const page = await visitor.open(`#/runs?exp=${data.noise}`);
    await page.getByRole("row", { name: /noise-39/ }).waitFor();
    await page.keyboard.press("Control+k");
    const field = page.getByRole("combobox", { name: /^Find/ });
    const found = page.getByRole("listbox", { name: "Found" });
    await field.fill("BOOSTING-07");
    await found.getByRole("option", { name: /run boosting-07 ?gradient boosting/ }).waitFor();
    await visitor.shoot(page, "across-finder-1440-light");
    await field.fill((data.runs[0] as string).slice(0, 8));
    await found.getByRole("option", { name: /boosting-07/ }).waitFor();
    await field.fill(data.runs[1] as string);
    await found.getByRole("option", { name: /boosting-08/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "boosting-08" }).waitFor();
    await page.context().close();
  });

  test("runs of two experiments are compared as such, in all views", async () => {
    const [one, , other] = data.runs;
    const page = await visitor.open(`#/runs?exp=${data.oldest},${data.newest}&tick=${one},${other}`);
    await page.getByRole("link", { name: "Compare", exact: true }).last().click();
    await page.getByRole("heading", { name: "gradient boosting + other-13" }).waitFor();
    expect(page.url()).toContain(`exp=${data.oldest},${data.newest}`);
    await page.getByText("2 of 3 shown").waitFor();
    expect(await page.getByRole("list", { name: "Runs" }).textContent()).toContain("other-13");
    await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "Parallel" }).click();
    await page.getByRole("img", { name: /^Parallel coordinates of 3 runs/ }).locator("canvas").waitFor();
    await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "Scatter" }).click();
    await page.getByRole("img", { name: /^3 runs: / }).locator("canvas").waitFor();
    await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "Importance" }).click();
    await page.getByText(/3 have it/).waitFor();
    await page.context().close();
  });

  test("importance says that params of noise explain nothing", async () => {
    const page = await visitor.open(`#/compare?exp=${data.noise}&tab=importance`, { bypassCSP: true });
    await page.getByText("These params do not explain luck").waitFor();
    expect(await page.getByRole("region", { name: "Importance of params" }).locator("tbody tr").first().textContent()).toContain("nothing");
    expect(await violations(page)).toEqual([]);
    await visitor.shoot(page, "across-importance-1440-light");
    await page.context().close();
  });

  test("rounded numbers are copied exactly, with the rows and tabs of their table", async () => {
    const page = await visitor.open(`#/runs?exp=${data.oldest}&cols=metrics.score,params.lr`, { permissions: ["clipboard-read", "clipboard-write"] });
    const cell = page.getByText("0.9832", { exact: true });
    await cell.dblclick();
    expect(await copied(page)).toBe(String(SCORE));
    expect(await cell.textContent()).toBe("0.9832");
    await page.evaluate(() => {
      const rows = [...document.querySelectorAll("tbody tr")].filter((r) => r.textContent?.includes("boosting-0"));
      document.getSelection()?.setBaseAndExtent(rows[0] as Node, 0, rows[1] as Node, rows[1]?.childNodes.length ?? 0);
    });
    const lines = (await copied(page)).split("\n").filter((l) => l.includes("\t"));
    expect(lines.map((l) => l.split("\t").filter((part) => part !== ""))).toEqual([expect.arrayContaining(["0.0012345678", "0.1"]), expect.arrayContaining([String(SCORE), "0.001"])]);
    await page.goto(`${door.url}/#/compare?exp=${data.oldest}&tab=diff`);
    await page.getByText("0.9832", { exact: true }).dblclick();
    expect(await copied(page)).toBe(String(SCORE));
    // A part of a number is what was chosen.
    await page.evaluate(() => {
      const text = [...document.querySelectorAll("[data-exact]")].find((el) => el.textContent === "0.9832")?.firstChild as Text;
      document.getSelection()?.setBaseAndExtent(text, 0, text, 3);
    });
    expect(await copied(page)).toBe("0.9");
    await page.context().close();
  });

  test("a metric is on a linear axis until it is switched, and a line says which run it is", async () => {
    const page = await visitor.open(`#/compare?exp=${data.oldest}&tab=parallel&dims=params.lr,metrics.score`);
    const picture = page.getByRole("img", { name: /^Parallel coordinates of 2 runs/ });
    await picture.locator("canvas").waitFor();
    const before = await inkOf(picture.locator("canvas").first());
    await page.getByRole("button", { name: /^Log axes/ }).click();
    await page.getByRole("checkbox", { name: "score" }).check();
    expect(page.url()).toContain("scale=log%3Ametrics.score");
    await expect.poll(() => inkOf(picture.locator("canvas").first())).not.toBe(before);
    await page.keyboard.press("Escape");
    const box = await picture.boundingBox();
    if (!box) throw new Error("no picture");
    // From the top of lr, 0.1, to the foot of score: half way.
    await page.mouse.move(box.x + (70 + box.width - 90) / 2, box.y + (48 + box.height - 24) / 2, { steps: 4 });
    await visitor.shoot(page, "across-parallel-1440-light");
    await page.reload();
    await page.getByRole("button", { name: "Log axes 2" }).waitFor();
    await page.context().close();
  });

  test("curves stay when the server goes, and say that they are not fresh", async () => {
    const page = await visitor.open(`#/compare?exp=${data.oldest}`);
    const panel = page.getByRole("region", { name: "loss", exact: true });
    await panel.locator("canvas").waitFor();
    const table = await visitor.open(`#/runs?exp=${data.oldest}&metric=loss`);
    const chart = table.getByRole("region", { name: "Chart", exact: true });
    await chart.locator("canvas").waitFor();
    visitor.expectedBreak = true;
    door.shut();
    // What is asked anew fails: a range of steps.
    await zoom(page);
    await panel.getByRole("button", { name: /^Not fresh/ }).waitFor();
    expect(await inkOf(panel.locator("canvas"))).toBeGreaterThan(100);
    expect(await panel.getByRole("alert").count()).toBe(0);
    await visitor.shoot(page, "across-down-1440-light");
    await zoom(table);
    await chart.getByText("Not fresh: The server does not answer.").waitFor();
    expect(await inkOf(chart.locator("canvas"))).toBeGreaterThan(100);
    await visitor.shoot(table, "across-down-runs-1440-light");
    door.unlock();
    await panel.getByRole("button", { name: /^Not fresh/ }).click();
    await panel.getByRole("button", { name: /^Not fresh/ }).waitFor({ state: "detached" });
    for (const p of [page, table]) await p.context().close();
    visitor.expectedBreak = false;
  });

  test("no page complained, and none asked another server", () => {
    expect(visitor.complaints).toEqual([]);
    expect(visitor.foreign).toEqual([]);
  });
});

async function copied(page: Page): Promise<string> {
  await page.keyboard.press("Control+c");
  return page.evaluate(() => navigator.clipboard.readText());
}

/** As a drag over the chart does. */
async function zoom(page: Page): Promise<void> {
  await page.evaluate(() => (location.hash += "&x=20:150"));
}
