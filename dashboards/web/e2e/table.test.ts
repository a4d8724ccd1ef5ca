// The table of runs in a real browser: columns, groups, editing in place, ticks over pages, several experiments, the filter's help.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Locator, Page } from "playwright-core";

import { findChromium, violations, Visitor } from "./browser";
import { missing, startServer, type Server } from "./server";

const chromium = findChromium();
const reason = missing() ?? (chromium ? null : "Chromium is missing: apt-get install chromium, or name one by CHROMIUM");
if (reason) console.log(`skipped: ${reason}`);

const SWEPT = 250;
const STEPS = 400;

interface Seeded {
  readonly trained: string;
  readonly swept: string;
  /** Of `trained`, oldest first; the last one goes on. */
  readonly runs: readonly string[];
}

async function seed(url: string): Promise<Seeded> {
  const post = async <T>(path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${url}/api/2.0/mlflow/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const experiment = async (name: string) => (await post<{ experiment_id: string }>("experiments/create", { name })).experiment_id;
  const create = async (to: string, name: string, start: number) =>
    (await post<{ run: { info: { run_id: string } } }>("runs/create", { experiment_id: to, run_name: name, start_time: start, user_id: "ada" })).run.info.run_id;
  const [trained, swept] = [await experiment("vision/resnet"), await experiment("sweep")];
  const now = Date.now();
  const runs: string[] = [];
  for (let i = 0; i < 12; i++) {
    const start = now - (13 - i) * 1_700_000;
    const id = await create(trained, `otter-${i}`, start);
    const curve = (s: number) => 0.2 + i * 0.05 + 2 * Math.exp(-s / (40 + 10 * i)) + 0.1 * Math.sin(s * (1 + (i % 3)) * 0.1);
    const metrics = Array.from({ length: STEPS }, (_, step) => ({ key: "loss", value: curve(step), step, timestamp: start + step * 500 }));
    const accuracy = Array.from({ length: STEPS / 4 }, (_, n) => ({ key: "val/accuracy", value: 1 - curve(n * 4) / 3, step: n * 4, timestamp: start + n * 2000 }));
    await post("runs/log-batch", {
      run_id: id,
      params: [{ key: "lr", value: String([0.1, 0.01, 0.001][i % 3]) }, { key: "opt", value: i % 2 ? "adam" : "sgd" }, { key: "seed", value: String(i) }],
      tags: [{ key: "team", value: i % 4 ? "vision" : "speech" }, ...(i % 5 ? [] : [{ key: "baseline", value: "" }])],
    });
    await post("runs/log-batch", { run_id: id, metrics: [...metrics, ...accuracy] });
    if (i < 11) await post("runs/update", { run_id: id, status: i === 4 ? "FAILED" : i === 6 ? "KILLED" : "FINISHED", end_time: start + 200_000 + i * 60_000 });
    runs.push(id);
  }
  const names = Array.from({ length: SWEPT }, (_, i) => i);
  const worker = async () => {
    for (let i = names.pop(); i !== undefined; i = names.pop()) {
      const id = await create(swept, `trial-${i}`, now - 9_000_000 - i * 1000);
      await post("runs/log-batch", { run_id: id, params: [{ key: "lr", value: String([0.1, 0.01][i % 2]) }], metrics: [{ key: "loss", value: i, step: 1, timestamp: now }] });
      await post("runs/update", { run_id: id, status: "FINISHED", end_time: now });
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return { trained, swept, runs };
}

describe.skipIf(reason !== null)("the table of runs", () => {
  let server: Server;
  let visitor: Visitor;
  let data: Seeded;

  beforeAll(async () => {
    server = await startServer();
    visitor = await Visitor.start(server.url, chromium as string);
    data = await seed(server.url);
  });

  afterAll(async () => {
    await visitor?.stop();
    await server?.stop();
  });

  const head = (page: Page, name: string) => page.getByRole("columnheader", { name, exact: true }).getByRole("button");

  async function choose(page: Page, column: string, ...choices: string[]) {
    for (const choice of choices) {
      await head(page, column).focus();
      await page.keyboard.press("ArrowDown");
      await page.getByRole("menu").getByText(choice, { exact: true }).click();
    }
  }

  test("columns are pinned, moved, resized and hidden by keyboard, and each step is undone by its name", async () => {
    const page = await visitor.open(`#/runs?exp=${data.trained}&cols=metrics.loss,params.lr,params.opt`);
    await rows(page, 12);
    expect(await titles(page)).toEqual(["name", "state", "created", "duration", "loss", "lr", "opt"]);
    await choose(page, "opt", "Pin");
    expect(await titles(page)).toEqual(["name", "opt", "state", "created", "duration", "loss", "lr"]);
    await head(page, "lr").focus();
    await page.keyboard.press("Alt+ArrowLeft");
    await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press("Shift+ArrowRight");
    expect((await titles(page)).slice(-2)).toEqual(["lr", "loss"]);
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe("lr");
    expect((await page.getByRole("columnheader", { name: "lr" }).boundingBox())?.width).toBe(108 + 48);
    await choose(page, "created", "Hide");
    expect(page.url()).toContain("pin=params.opt&w=params.lr:156".replace(":", "%3A"));
    await page.reload();
    await rows(page, 12);
    expect(await titles(page)).toEqual(["name", "opt", "state", "duration", "lr", "loss"]);
    await choose(page, "state", "Hide");
    await page.getByRole("button", { name: "Undo hiding of state" }).waitFor();
    await page.getByRole("region", { name: "Runs" }).focus();
    await page.keyboard.press("Control+z");
    expect(await titles(page)).toEqual(["name", "opt", "state", "duration", "lr", "loss"]);
    await page.getByText("Undone: hiding of state.").waitFor();
    await page.keyboard.press("Control+Shift+z");
    expect(await titles(page)).toEqual(["name", "opt", "duration", "lr", "loss"]);
    await page.context().close();
  });

  test("columns are dragged to their place and to their width by pointer", async () => {
    const page = await visitor.open(`#/runs?exp=${data.trained}&cols=metrics.loss,params.lr`);
    await rows(page, 12);
    const box = async (name: string) => (await page.getByRole("columnheader", { name, exact: true }).boundingBox()) as NonNullable<Awaited<ReturnType<Locator["boundingBox"]>>>;
    const [lr, state] = [await box("lr"), await box("state")];
    await page.mouse.move(lr.x + 40, lr.y + 15);
    await page.mouse.down();
    await page.mouse.move(state.x + 60, lr.y + 15, { steps: 5 });
    await page.mouse.move(state.x + 5, lr.y + 15, { steps: 2 });
    await page.mouse.up();
    expect(await titles(page)).toEqual(["name", "lr", "state", "created", "duration", "loss"]);
    expect(page.url()).not.toContain("sort=");
    const loss = await box("loss");
    await page.mouse.move(loss.x + loss.width - 2, loss.y + 15);
    await page.mouse.down();
    await page.mouse.move(loss.x + loss.width + 58, loss.y + 15, { steps: 4 });
    await page.mouse.up();
    expect((await box("loss")).width).toBe(loss.width + 60);
    await page.context().close();
  });

  test("a metric shows its least value and its course, and the loaded runs are sorted by it", async () => {
    const page = await visitor.open(`#/runs?exp=${data.trained}&cols=metrics.loss`);
    await rows(page, 12);
    await choose(page, "loss", "Sparkline", "Least value");
    await expect.poll(() => page.locator("tbody td svg path").count()).toBe(12);
    await head(page, "min loss").click();
    await head(page, "min loss").click();
    const least = async () => (await page.locator("tbody td.value").allTextContents()).map(Number);
    await expect.poll(async () => (await least()).every((v, i, all) => i === 0 || (all[i - 1] as number) <= v)).toBe(true);
    expect((await least())[0]).toBeLessThan(0.3);
    expect(page.url()).toContain("cols=~min.loss&sort=min.loss".split("&")[0] as string);
    expect(page.url()).toContain("sort=min.loss");
    await page.context().close();
  });

  test("columns are found by a pattern and shown together", async () => {
    const page = await visitor.open(`#/runs?exp=${data.trained}&cols=params.lr`);
    await rows(page, 12);
    await page.getByRole("button", { name: /^Columns/ }).click();
    await page.getByRole("searchbox", { name: "Search params and metrics" }).fill("/^(loss|val.*|team)$/");
    await page.getByRole("button", { name: "Show these 3" }).click();
    await page.keyboard.press("Escape");
    expect((await titles(page)).slice(4)).toEqual(["lr", "loss", "val/accuracy", "team"]);
    await page.context().close();
  });

  test("names and tags are written in place, a refusal takes them back, and what was done can be undone", async () => {
    const page = await visitor.open(`#/runs?exp=${data.trained}&cols=tags,tags.team`);
    await rows(page, 12);
    await page.keyboard.press("j");
    await page.keyboard.press("e");
    await page.getByRole("textbox", { name: "Name of otter-11" }).fill("the best one");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "the best one" }).waitFor();
    await page.getByText("otter-11 is now the best one.").waitFor();
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await page.getByText("the best one is now otter-11.").waitFor();
    await page.keyboard.press("t");
    await page.keyboard.type("checked = yes");
    await page.keyboard.press("Enter");
    await page.locator(".chip", { hasText: "checked: yes" }).waitFor();
    await page.getByText("The tag checked of otter-11 is set.").waitFor();
    const again = await visitor.open(`#/runs?exp=${data.trained}&cols=tags.checked`);
    await again.getByRole("cell", { name: "yes" }).waitFor();
    await again.context().close();
    visitor.expectedStatus = 400;
    await page.locator("tbody tr").first().locator("td").nth(3).dblclick();
    await page.route("**/runs/set-tag", (route) => route.fulfill({ status: 400, json: { error_code: "INVALID_PARAMETER_VALUE", message: "not today" } }));
    await page.getByRole("textbox", { name: "team of otter-11" }).fill("audio");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("otter-11 is as before: not today").waitFor();
    expect(await page.locator("tbody tr").first().locator("td").nth(3).textContent()).toContain("vision");
    visitor.expectedStatus = 0;
    await page.context().close();
  });

  test("runs are grouped by a param on the server, with mean and spread, and a group leads to its runs", async () => {
    const page = await visitor.open(`#/runs?exp=${data.swept}`);
    await total(page, `${SWEPT} runs`);
    await page.getByRole("combobox", { name: "Group the runs" }).selectOption("params.lr");
    const group = page.getByRole("row", { name: /^0\\.1 |^0\.1/ });
    await group.waitFor();
    // The even numbers from 0 to 248: mean 124, sample deviation 72.45.
    expect((await group.getByRole("cell").allTextContents()).map((t) => t.trim())).toEqual(["125", "124 ± 72.46"]);
    expect(page.url()).toContain("group=params.lr");
    await page.getByRole("link", { name: "0.01", exact: true }).click();
    await total(page, "125 runs");
    await page.getByRole("button", { name: "Take params.lr = '0.01' away" }).click();
    await total(page, `${SWEPT} runs`);
    await page.context().close();
  });

  test("all runs that match are ticked over pages, tagged, deleted and brought back", async () => {
    const page = await visitor.open(`#/runs?exp=${data.swept}&filter=params.lr = '0.1'`);
    await total(page, "125 runs");
    await page.getByRole("checkbox", { name: "Tick all loaded runs" }).check();
    if (await page.getByRole("button", { name: "Tick all 125 that match" }).count()) await page.getByRole("button", { name: "Tick all 125 that match" }).click();
    await page.getByText("125 ticked", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Tag", exact: true }).click();
    await page.getByRole("textbox", { name: "Key of the tag" }).fill("kept");
    await page.getByRole("textbox", { name: "Value of the tag" }).fill("no");
    await page.getByRole("button", { name: "Set on 125 runs" }).click();
    await page.getByText("125 runs tagged kept").waitFor();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("125 runs deleted.").waitFor();
    await page.getByRole("heading", { name: "No run matches this filter" }).waitFor();
    await page.getByRole("combobox", { name: "Which runs" }).selectOption("deleted");
    await total(page, "125 runs");
    await page.goto(`${server.url}/#/runs?exp=${data.swept}&stage=deleted&tick=*`);
    await page.getByText("125 ticked", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Restore", exact: true }).click();
    await page.getByText("125 runs restored.").waitFor();
    await page.getByRole("heading", { name: "No deleted runs" }).waitFor();
    await page.context().close();
  });

  test("several experiments are looked at together, and the brackets go from one to the next", async () => {
    const page = await visitor.open(`#/runs?exp=${data.trained}`);
    await rows(page, 12);
    await page.getByRole("checkbox", { name: "Show the runs of sweep too" }).check();
    await total(page, `${12 + SWEPT} runs`);
    expect(await titles(page)).toContain("experiment");
    expect(page.url()).toContain(`exp=${data.trained},${data.swept}`);
    await page.getByRole("checkbox", { name: "Show the runs of vision/resnet too" }).uncheck();
    await total(page, `${SWEPT} runs`);
    const before = page.url();
    await page.getByRole("region", { name: "Runs" }).focus();
    const [first] = await page.locator("nav[aria-label=Experiments] a").allTextContents();
    await page.keyboard.press(first?.includes("sweep") ? "]" : "[");
    await expect.poll(() => page.url()).not.toBe(before);
    await page.context().close();
  });

  test("the filter is completed while it is typed, takes OR, and shows which word is wrong", async () => {
    const page = await visitor.open(`#/runs?exp=${data.trained}`);
    await rows(page, 12);
    const field = page.getByLabel("Filter the runs");
    await page.keyboard.press("/");
    await page.keyboard.type("params.o");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.keyboard.type("= ");
    await page.getByRole("option", { name: "'adam'" }).click();
    await page.keyboard.type("or metrics.loss > 100");
    await page.keyboard.press("Enter");
    expect(await field.inputValue()).toBe("params.opt = 'adam' or metrics.loss > 100");
    await rows(page, 6);
    expect(await page.locator(".chips .chip .number").allTextContents()).toEqual(["params.opt = 'adam'", "metrics.loss > 100"]);
    visitor.expectedStatus = 400;
    await field.fill("params.opt = 'adam' and parms.x = '1'");
    await page.keyboard.press("Enter");
    expect(await page.locator("#filter-error mark").textContent()).toBe("parms.x");
    await visitor.shoot(page, "table-filter-error-1440-light");
    visitor.expectedStatus = 0;
    await page.context().close();
  });

  test("a run that says it is running and is silent is shown as crashed", async () => {
    const page = await visitor.open("");
    await page.route("**/v1/runs/silent", (route) => route.fulfill({ json: { runs: [{ run_id: data.runs[11], seen: Date.now() - 3_600_000 }], more: false } }));
    await page.goto(`${server.url}/#/runs?exp=${data.trained}`);
    await page.locator("td.state", { hasText: "crashed" }).waitFor();
    await page.context().close();
  });

  test.each(["light", "dark"] as const)("axe finds nothing, nothing is wider than a telephone, and it is photographed in the %s theme", async (colorScheme) => {
    const views = {
      plain: `#/runs?exp=${data.trained}`,
      rich: `#/runs?exp=${data.trained},${data.swept}&cols=state,experiment,duration,~metrics.loss,min.loss,~max.val/accuracy,params.lr,params.opt,tags,note&pin=metrics.loss&filter=metrics.loss < 3 and params.lr != '7'&tick=${data.runs.slice(0, 2).join(",")}`,
      groups: `#/runs?exp=${data.trained}&group=params.opt&cols=metrics.loss,metrics.val/accuracy`,
    };
    for (const [size, width, height] of [["1440", 1440, 900], ["360", 360, 740]] as const) {
      for (const [name, hash] of Object.entries(views)) {
        const page = await visitor.open(hash, { colorScheme, viewport: { width, height }, bypassCSP: true });
        await page.locator("tbody td.number, tbody td.value").first().waitFor();
        if (name !== "groups") await page.locator(".plot canvas").first().waitFor();
        if (name === "rich") await page.locator("tbody td svg path").first().waitFor();
        expect(await page.locator("main").evaluate((node) => node.scrollWidth), `${name} ${size}`).toBeLessThanOrEqual(width);
        expect(await violations(page), `${name} ${size}`).toEqual([]);
        await visitor.shoot(page, `table-${name}-${size}-${colorScheme}`);
        await page.context().close();
      }
    }
  });

  test("no page complained, and none asked another host", () => {
    expect(visitor.complaints).toEqual([]);
    expect(visitor.foreign).toEqual([]);
  });
});

/** Waits until the table has so many rows. */
async function rows(page: Page, n: number): Promise<void> {
  await page.waitForFunction((wanted) => document.querySelectorAll("tbody td.name").length === wanted, n);
}

/** Waits until the page says that there are so many runs. */
async function total(page: Page, text: string): Promise<void> {
  await page.locator("main .total").getByText(text, { exact: true }).waitFor();
}

/** What stands over the columns. */
async function titles(page: Page): Promise<string[]> {
  return page.locator("thead th:not(.tick):not(.rest) > button:first-child .ellipsis").allTextContents();
}
