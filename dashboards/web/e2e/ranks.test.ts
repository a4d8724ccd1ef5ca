// A run of eight ranks, logged by our own library: its ranks and its lines.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { findChromium, inkOf, Visitor } from "./browser";
import { missing, startServer, type Server } from "./server";

const root = resolve(import.meta.dirname, "../../..");
const python = resolve(root, ".build/venv/bin/python");
const chromium = findChromium();
const reason =
  missing() ?? (chromium ? null : "Chromium is missing: apt-get install chromium") ?? (existsSync(python) ? null : `${python} is missing: make venv`);
if (reason) console.log(`skipped: ${reason}`);

const RUN = "5".repeat(32);
const RANKS = 8;

describe.skipIf(reason !== null)("a run of eight ranks", () => {
  let server: Server;
  let visitor: Visitor;

  beforeAll(async () => {
    server = await startServer();
    visitor = await Visitor.start(server.url, chromium as string);
    for (let rank = 0; rank < RANKS; rank++) {
      const env = {
        ...process.env,
        PYTHONPATH: resolve(root, "clients/python/src"),
        STREAMGAUGE_URL: server.url,
        STREAMGAUGE_RUN_ID: RUN,
        STREAMGAUGE_RANK: String(rank),
        STREAMGAUGE_WORLD_SIZE: String(RANKS),
        STREAMGAUGE_LAUNCH_TIME: String(Math.floor(server.started / 1000)),
        STREAMGAUGE_DIR: resolve(server.data, "spool"),
        STREAMGAUGE_QUIET: "1",
      };
      await promisify(execFile)(python, [resolve(import.meta.dirname, "ranks.py")], { env });
    }
  });

  afterAll(async () => {
    await visitor?.stop();
    await server?.stop();
  });

  test("the straggler is named, and a click draws a rank's own line over the band of all", async () => {
    const page = await visitor.open(`#/runs/${RUN}`);
    await page.getByRole("link", { name: "Ranks" }).click();
    await page.getByText(/8 ranks. Slowest: rank 2, 80 steps behind the median/).waitFor();
    await page.getByRole("img", { name: "loss by rank and step, 8 ranks" }).locator("canvas").first().waitFor();
    const canvas = page.locator(".plot canvas");
    const before = await inkOf(canvas);
    await page.getByRole("region", { name: "Ranks, the slowest first" }).getByRole("button", { name: "7" }).click();
    await page.getByRole("button", { name: "rank 7" }).waitFor();
    await expect.poll(() => inkOf(canvas)).toBeGreaterThan(before);
    expect(page.url()).toContain("tab=ranks&rank=7");
    await visitor.shoot(page, "ranks-1440-light");
    await page.context().close();
  });

  test("lines are shown in their colours, found, and never executed", async () => {
    const page = await visitor.open(`#/runs/${RUN}`);
    await page.getByRole("link", { name: "Logs" }).click();
    await page.getByText(/^1,003 lines$/).waitFor();
    // It follows: the newest lines are in sight, and few of all are in the page.
    await page.getByText("loss is high").waitFor();
    expect(await page.locator(".line").count()).toBeLessThan(120);
    await page.getByRole("searchbox", { name: "Search the lines" }).fill("READY");
    await page.getByText("ready", { exact: true }).waitFor();
    expect(await page.locator(".text").textContent()).toBe("ready to train <b>hard</b>");
    expect(await page.locator(".text .bold").textContent()).toBe("ready");
    await page.getByRole("searchbox", { name: "Search the lines" }).fill("epoch");
    await expect.poll(() => page.locator(".text").allTextContents()).toEqual(["epoch 1: 100%|####|"]);
    await page.getByRole("searchbox", { name: "Search the lines" }).fill("");
    await visitor.shoot(page, "logs-1440-light");
    await page.getByLabel("Stream").selectOption("stderr");
    await page.getByText(/^1 line$/).waitFor();
    await page.context().close();
  });

  test("no page complained", () => {
    expect(visitor.complaints).toEqual([]);
    expect(visitor.foreign).toEqual([]);
  });
});
