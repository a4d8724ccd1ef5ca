// The pages in a real browser, against a real server with data that this test logs itself.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";

import { findChromium, inkOf, Visitor } from "./browser";
import { MANY, seed, seedFamily, SPIKE, type Seeded } from "./seed";
import { missing, startServer, type Server } from "./server";

const chromium = findChromium();
const reason = missing() ?? (chromium ? null : "Chromium is missing: apt-get install chromium, or name one by CHROMIUM");
if (reason) console.log(`skipped: ${reason}`);

describe.skipIf(reason !== null)("the pages", () => {
  let server: Server;
  let visitor: Visitor;
  let data: Seeded;

  beforeAll(async () => {
    server = await startServer();
    visitor = await Visitor.start(server.url, chromium as string);
  });

  afterAll(async () => {
    await visitor?.stop();
    await server?.stop();
  });

  test("before the first run the page says how to send one to this server", async () => {
    const page = await visitor.open();
    await page.getByRole("heading", { name: /Waiting for the first run|No runs in/ }).waitFor();
    expect(await page.locator("pre").first().textContent()).toBe(`export MLFLOW_TRACKING_URI=${server.url}`);
    expect(await page.locator("pre").nth(1).textContent()).toContain(`set_tracking_uri("${server.url}")`);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy" }).first().click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`export MLFLOW_TRACKING_URI=${server.url}`);
    await visitor.shoot(page, "0-first-page-1440-light");
    await page.context().close();
  });

  describe("with runs", () => {
    beforeAll(async () => {
      data = await seed(server.url);
    });

    test("the table shows the runs, newest first, with short numbers whose exact value is in the title", async () => {
      const page = await visitor.open(`#/runs?exp=${data.twelve}`);
      await names(page, 12);
      expect((await names(page, 12))[0]).toBe("glad-puffin-11");
      const loss = page.locator("tbody tr").first().locator("td.value").first();
      expect(await loss.textContent()).toMatch(/^\d\.\d{3,4}$/);
      expect(await loss.locator("[title]").getAttribute("title")).toMatch(/^\d\.\d{6,} at step 1999$/);
      expect(await page.locator("tbody tr").first().locator("td.state").textContent()).toContain("running");
      await page.context().close();
    });

    test("a click on a column sorts by it on the server and is in the address", async () => {
      const page = await visitor.open(`#/runs?exp=${data.twelve}`);
      await names(page, 12);
      await page.getByRole("columnheader", { name: "loss" }).getByRole("button").click();
      await page.waitForFunction(() => document.querySelector("tbody td.name")?.textContent?.includes("bold-otter-0"));
      expect(page.url()).toContain("sort=-metrics.loss");
      const shown = await page.locator("tbody tr td:nth-child(6)").allTextContents();
      expect(shown.map(Number)).toEqual(shown.map(Number).sort((a, b) => b - a));
      await page.getByRole("columnheader", { name: "duration" }).getByRole("button").click();
      expect(await page.getByRole("columnheader", { name: "duration" }).getAttribute("aria-sort")).toBe("descending");
      await page.context().close();
    });

    test("a filter is the server's; what it refuses stands under the field", async () => {
      const page = await visitor.open(`#/runs?exp=${data.twelve}`);
      await names(page, 12);
      await page.keyboard.press("/");
      await page.keyboard.type("params.optimizer = 'adam' and metrics.loss < 0.4");
      await page.keyboard.press("Enter");
      await page.getByText("2 runs", { exact: true }).waitFor();
      expect((await names(page, 2)).sort()).toEqual(["eager-mole-3", "glad-puffin-5"]);
      visitor.expectedStatus = 400;
      await page.getByRole("textbox", { name: "Filter the runs" }).fill("metrics.loss <");
      await page.keyboard.press("Enter");
      await page.locator("#filter-error").waitFor();
      expect((await page.locator("#filter-error").textContent())?.length).toBeGreaterThan(10);
      await visitor.shoot(page, "filter-error-1440-light");
      await page.getByRole("button", { name: "Clear", exact: true }).click();
      await names(page, 12);
      visitor.expectedStatus = 0;
      await page.context().close();
    });

    test("the chart draws ticked runs and hides no spike", async () => {
      const page = await visitor.open(`#/runs?exp=${data.twelve}&metric=loss`);
      await names(page, 12);
      await page.getByRole("checkbox", { name: "Tick glad-puffin-5" }).check();
      await page.getByRole("checkbox", { name: "Tick eager-mole-3" }).check();
      await points(page, "4,000");
      expect(page.url()).toContain(`tick=${data.runs[5]},${data.runs[3]}`);
      expect(await inkOf(page.locator(".plot canvas"))).toBeGreaterThan(300);
      // All other values are below 4: ink in the upper third can only be the spike.
      expect(await inkOf(page.locator(".plot canvas"), 0.1, 0.4)).toBeGreaterThan(10);
      await page.getByRole("checkbox", { name: "Tick glad-puffin-5" }).uncheck();
      await points(page, "2,000");
      await page.context().close();
    });

    test("a drag asks the server for the range, a double click for all", async () => {
      const page = await visitor.open(`#/runs?exp=${data.twelve}&metric=loss&tick=${data.runs[5]}`);
      const plot = page.locator(".u-over");
      const box = await plot.boundingBox();
      if (!box) throw new Error("no chart");
      const [from, to] = [box.x + box.width * 0.6, box.x + box.width * 0.65];
      const asked = page.waitForRequest((r) => r.url().endsWith("/v1/series") && (r.postData() ?? "").includes('"from"'));
      await page.mouse.move(from, box.y + 60);
      await page.mouse.down();
      await page.mouse.move(to, box.y + 60, { steps: 4 });
      await page.mouse.up();
      const range = (await asked).postDataJSON() as { from: number; to: number };
      expect(range.from).toBeGreaterThan(1150);
      expect(range.to).toBeLessThan(1350);
      await page.waitForFunction(() => /(^| )[67]\d points|1[0-1]\d points/.test(document.querySelector(".points")?.textContent ?? ""));
      await page.mouse.move(box.x + (box.width * (SPIKE.step - range.from)) / 100, box.y + 30);
      await page.locator(".tip").waitFor();
      expect(page.url()).toContain("x=");
      await plot.dblclick();
      await points(page, "2,000");
      expect(page.url()).not.toContain("x=");
      await page.context().close();
    });

    test("a link shows a colleague the same view, ticked runs of later pages included", async () => {
      const first = await visitor.open(`#/runs?exp=${data.twelve}`);
      await names(first, 12);
      await first.getByRole("columnheader", { name: "loss" }).getByRole("button").click();
      await first.getByRole("checkbox", { name: "Tick dry-lynx-2" }).check();
      await first.getByRole("button", { name: /^loss/ }).last().click();
      await first.getByRole("dialog").getByRole("button", { name: "val/accuracy" }).click();
      await points(first, "100");
      const second = await visitor.open(new URL(first.url()).hash);
      await points(second, "100");
      expect(await names(second, 12)).toEqual(await names(first, 12));
      expect(await second.getByRole("checkbox", { name: "Tick dry-lynx-2" }).isChecked()).toBe(true);
      expect(second.url()).toBe(first.url());
      await first.context().close();
      await second.context().close();
    });

    test("columns are chosen, and stay in the address", async () => {
      const page = await visitor.open(`#/runs?exp=${data.twelve}`);
      await names(page, 12);
      await page.getByRole("button", { name: /^Columns/ }).click();
      await page.getByRole("searchbox", { name: "Search params and metrics" }).fill("cpu");
      await page.getByRole("checkbox", { name: "system/cpu_percent" }).check();
      await page.keyboard.press("Escape");
      await page.getByRole("columnheader", { name: "system/cpu_percent" }).waitFor();
      await page.reload();
      await page.getByRole("columnheader", { name: "system/cpu_percent" }).waitFor();
      await page.context().close();
    });

    test("a thousand runs scroll to their end with few rows in the page", async () => {
      const page = await visitor.open(`#/runs?exp=${data.thousand}`);
      const table = page.getByRole("region", { name: "Runs" });
      await page.getByText(`trial-0${MANY - 1}`).first().waitFor();
      await expect
        .poll(
          async () => {
            await table.evaluate((node) => node.scrollTo(0, node.scrollHeight));
            return page.getByRole("link", { name: "trial-0000" }).count();
          },
          { timeout: 20_000 },
        )
        .toBe(1);
      await table.evaluate((node) => node.scrollTo(0, node.scrollHeight));
      await page.getByRole("link", { name: "trial-0000" }).waitFor();
      expect(await page.locator("tbody tr").count()).toBeLessThan(80);
      await page.context().close();
    });

    test("a run's page shows its params, metrics and tags, and gives its artifacts", async () => {
      const page = await visitor.open(`#/runs?exp=${data.twelve}`);
      await page.getByRole("link", { name: "glad-puffin-11" }).click();
      await page.getByRole("heading", { name: "glad-puffin-11" }).waitFor();
      await page.getByRole("row", { name: "optimizer adam" }).waitFor();
      await page.getByRole("row", { name: "team vision" }).waitFor();
      await page.getByRole("button", { name: "val/accuracy" }).click();
      await points(page, "100");
      await page.getByRole("link", { name: "Artifacts", exact: true }).click();
      await page.getByRole("button", { name: "model/", exact: true }).click();
      await page.getByRole("link", { name: "weights.bin" }).waitFor();
      await page.getByRole("button", { name: "all", exact: true }).click();
      const link = page.getByRole("link", { name: "notes.txt" });
      const answer = await page.request.get(`${server.url}/${await link.getAttribute("href")}`);
      expect(await answer.text()).toBe("held at 0.2\n");
      await page.goBack();
      await page.goBack();
      await names(page, 12);
      await page.context().close();
    });

    test("a run's page shows its note, datasets, models with their files, and the runs around it", async () => {
      const { parent } = await seedFamily(server.url);
      // Without an experiment in the address: the one that was logged to last, although another was made later.
      const page = await visitor.open("#/");
      await page.getByRole("heading", { name: "family" }).waitFor();
      await page.getByRole("link", { name: "parent" }).click();
      await page.getByText("first line\nsecond line").first().waitFor();
      await page.getByRole("row", { name: "grapes abc123 · training" }).waitFor();
      await page.getByRole("row", { name: "forest made here" }).waitFor();
      const file = await page.getByRole("link", { name: "MLmodel" }).getAttribute("href");
      expect(await (await page.request.get(`${server.url}/${file}`)).text()).toBe("flavors: {}\n");
      const edges = await page.locator("section", { hasText: /^Metrics/ }).locator("td").evaluateAll((cells) => cells.map((c) => getComputedStyle(c).textAlign));
      expect(edges).toEqual(["right", "right", "right", "right"]);
      await page.getByRole("link", { name: "child" }).click();
      await page.getByRole("heading", { name: "child" }).waitFor();
      await page.getByRole("link", { name: "parent" }).click();
      await page.waitForURL(`**/#/runs/${parent}`);
      await page.context().close();
    });

    test("what is sorted by is in sight on a small screen, and a chart without lines says so in one sentence", async () => {
      const columns = ["a", "b", "c", "d", "e", "f"].map((key) => `params.${key}`).join(",");
      const page = await visitor.open(`#/runs?exp=${data.twelve}&cols=${columns},metrics.loss&sort=-metrics.loss&metric=gone`, {
        viewport: { width: 1280, height: 800 },
      });
      await names(page, 12);
      await expect
        .poll(async () => {
          const box = await page.getByRole("columnheader", { name: "loss" }).boundingBox();
          return box !== null && box.x + box.width <= 1280;
        })
        .toBe(true);
      const says = page.locator(".says");
      expect((await says.textContent())?.trim()).toBe("None of these runs has gone.");
      const [code, text] = [await says.locator("code").boundingBox(), await says.locator("span").boundingBox()];
      expect(code && text && Math.abs(code.y + code.height / 2 - text.y - text.height / 2)).toBeLessThan(4);
      await page.context().close();
    });

    test("a chart follows a run that goes on", async () => {
      const page = await visitor.open(`#/runs?exp=${data.one}&metric=loss`);
      await points(page, "3");
      const run = (await page.locator("td.name a").getAttribute("href"))?.split("/").pop()?.split("?")[0];
      const response = await fetch(`${server.url}/api/2.0/mlflow/runs/log-metric`, {
        method: "POST",
        body: JSON.stringify({ run_id: run, key: "loss", value: 0.125, timestamp: Date.now(), step: 7 }),
        headers: { "Content-Type": "application/json" },
      });
      expect(response.status).toBe(200);
      await points(page, "4");
      await page.getByTitle("0.125 at step 7").waitFor();
      await page.context().close();
    });

    test("the theme is the system's until one is chosen, and the choice stays", async () => {
      const page = await visitor.open(`#/runs?exp=${data.twelve}`, { colorScheme: "dark" });
      await names(page, 12);
      const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      expect(await ground()).toBe("rgb(13, 17, 21)");
      await page.getByRole("button", { name: "Change to the light theme" }).click();
      expect(await ground()).toBe("rgb(247, 249, 250)");
      await page.reload();
      await names(page, 12);
      expect(await ground()).toBe("rgb(247, 249, 250)");
      await page.context().close();
    });

    test("the keyboard's focus can be seen, and reaches the table", async () => {
      const page = await visitor.open(`#/runs?exp=${data.twelve}`);
      await names(page, 12);
      await page.keyboard.press("Tab");
      for (let i = 0; i < 50; i++) {
        const seen = await page.evaluate(() => {
          const style = getComputedStyle(document.activeElement ?? document.body);
          return style.outlineStyle !== "none" && style.outlineWidth !== "0px";
        });
        expect(seen, `focus ${i}`).toBe(true);
        if (await page.evaluate(() => document.activeElement?.closest("tbody") !== null)) return page.context().close();
        await page.keyboard.press("Tab");
      }
      throw new Error("the table was not reached");
    });

    test("on a telephone nothing is wider than the screen, and the experiments are a drawer", async () => {
      const page = await visitor.open(`#/runs?exp=${data.twelve}`, { viewport: { width: 390, height: 844 } });
      await names(page, 12);
      for (const hash of [`#/runs?exp=${data.twelve}`, `#/runs/${data.runs[11]}`, `#/runs?exp=${data.empty}`]) {
        await page.goto(`${server.url}/${hash}`);
        await page.locator("h1").waitFor();
        expect(await page.evaluate(() => document.documentElement.scrollWidth), hash).toBeLessThanOrEqual(390);
        expect(await page.locator("main").evaluate((node) => node.scrollWidth), hash).toBeLessThanOrEqual(390);
      }
      await page.getByRole("button", { name: "Experiments" }).click();
      await page.getByRole("link", { name: /one run/ }).click();
      await page.getByRole("link", { name: "lonely-heron-1" }).waitFor();
      await page.context().close();
    });

    test("what is not there is said in words, with a way on", async () => {
      visitor.expectedStatus = 404;
      const page = await visitor.open("#/runs/00000000000000000000000000000bad");
      await page.getByRole("heading", { name: "The run could not be read" }).waitFor();
      await page.goto(`${server.url}/#/runs?exp=987654`);
      await page.getByRole("link", { name: "Show the newest experiment" }).waitFor();
      visitor.expectedStatus = 0;
      await page.context().close();
    });

    const SIZES = { 1440: [1440, 900], 390: [390, 844], 2560: [2560, 1440] } as const;
    const PHOTOGRAPHS_MS = 180_000;

    test.each(["light", "dark"] as const)("every page is photographed in the %s theme", async (colorScheme) => {
      const views = {
        "0-runs": `#/runs?exp=${data.empty}`,
        "1-run": `#/runs?exp=${data.one}`,
        "12-runs": `#/runs?exp=${data.twelve}`,
        "12-runs-ticked": `#/runs?exp=${data.twelve}&tick=${data.runs.slice(3, 7).join(",")}&metric=loss&log=y`,
        "1000-runs": `#/runs?exp=${data.thousand}`,
        run: `#/runs/${data.runs[11]}`,
      };
      for (const [size, [width, height]] of Object.entries(SIZES)) {
        for (const [name, hash] of Object.entries(views)) {
          if (size === "2560" && !name.endsWith("-runs")) continue;
          const page = await visitor.open(hash, { colorScheme, viewport: { width, height } });
          await page.locator(name === "0-runs" ? "pre" : ".plot canvas").first().waitFor();
          await page.locator(".waiting").waitFor({ state: "detached" });
          await visitor.shoot(page, `${name}-${size}-${colorScheme}`);
          await page.context().close();
        }
      }
    }, PHOTOGRAPHS_MS);
  });

  test("no page complained, and none asked another host", () => {
    expect(visitor.complaints).toEqual([]);
    expect(visitor.foreign).toEqual([]);
  });
});

/** Waits until the chart is drawn from so many points. */
async function points(page: Page, text: string): Promise<void> {
  await page.locator(".points", { hasText: new RegExp(`^${text} points?(,|$)`) }).waitFor();
}

/** The names of the table's rows, once there are so many. */
async function names(page: Page, rows: number): Promise<string[]> {
  await page.waitForFunction((n) => document.querySelectorAll("tbody td.name").length === n, rows);
  return (await page.locator("tbody td.name a").allTextContents()).map((t) => t.trim());
}
