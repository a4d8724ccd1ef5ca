// Alerts in a real browser: made, fired, told, changed, switched off, deleted.

import { createServer, type Server as Hook } from "node:http";
import type { AddressInfo } from "node:net";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";

import { findChromium, violations, Visitor } from "./browser";
import { missing, startServer, type Server } from "./server";

const chromium = findChromium();
const reason = missing() ?? (chromium ? null : "Chromium is missing: apt-get install chromium");
if (reason) console.log(`skipped: ${reason}`);

const STRANGE = `<b>"loss" & 'co'</b> ${"x".repeat(180)}`;

describe.skipIf(reason !== null)("Alerts", () => {
  let server: Server;
  let visitor: Visitor;
  let hook: Hook;
  let run = "";
  const told: string[] = [];

  const post = async <T>(path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${server.url}/api/2.0/mlflow/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const log = (value: number, step: number) => post("runs/log-metric", { run_id: run, key: "loss", value, step, timestamp: Date.now() });

  beforeAll(async () => {
    process.env["MLFLOW_WEBHOOK_ALLOWED_SCHEMES"] = "http";
    process.env["MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS"] = "true";
    hook = createServer((request, response) => {
      let body = "";
      request.on("data", (b: Buffer) => (body += b.toString()));
      request.on("end", () => (told.push(body), response.end()));
    });
    await new Promise<void>((done) => hook.listen(0, "127.0.0.1", done));
    server = await startServer();
    visitor = await Visitor.start(server.url, chromium as string);
    run = (await post<{ run: { info: { run_id: string } } }>("runs/create", { experiment_id: "0", run_name: "watched" })).run.info.run_id;
  });

  afterAll(async () => {
    await visitor?.stop();
    await server?.stop();
    hook?.close();
  });

  const rules = (page: Page) => page.getByRole("region", { name: "Rules" }).locator("tbody tr");
  const history = (page: Page) => page.getByRole("region", { name: "History" }).locator("tbody tr");

  test("one is made, fires, and is seen with its run", async () => {
    const page = await visitor.open("#/alerts");
    await page.getByText("streamgauge alerts create").waitFor();
    await visitor.shoot(page, "alerts-empty-1440-light");
    await page.getByRole("button", { name: "New alert" }).click();
    await page.getByLabel("Name").fill(STRANGE);
    await page.getByRole("combobox", { name: "Experiments" }).fill("Default");
    await page.getByLabel("Metric, * for any text").fill("loss");
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByRole("alert").filter({ hasText: "Limit" }).waitFor();
    await page.getByRole("textbox", { name: "Limit" }).fill("10");
    await page.getByLabel("Webhook").fill(`http://127.0.0.1:${(hook.address() as AddressInfo).port}/`);
    await page.getByLabel("Its secret").fill("hidden");
    expect(await violations(page)).toEqual([]);
    await visitor.shoot(page, "alerts-form-1440-light");
    await page.getByRole("button", { name: "Make it" }).click();
    await expect.poll(() => rules(page).first().textContent()).toContain("loss > 10");
    await page.getByRole("button", { name: "Test" }).click();
    await expect.poll(() => page.getByRole("status").first().textContent()).toContain("webhook: told");
    await log(1, 1);
    await log(11, 2);
    await log(2, 3);
    await expect.poll(() => history(page).count(), { timeout: 10_000 }).toBe(2);
    expect(await history(page).last().textContent()).toContain("loss = 11 at step 2");
    await expect.poll(() => history(page).last().textContent(), { timeout: 10_000 }).toContain("webhook: delivered");
    await expect.poll(() => told.filter((t) => t.includes('"alert.fired"')).length).toBe(2);
    expect(await violations(page)).toEqual([]);
    await visitor.shoot(page, "alerts-1440-light");
    await history(page).last().getByRole("link", { name: "watched" }).click();
    await page.getByRole("heading", { name: "watched" }).waitFor();
    await page.context().close();
  });

  test("one is changed, switched off and deleted; its history stays; on a telephone and in the dark", async () => {
    const page = await visitor.open("#/alerts", { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
    await rules(page).first().waitFor();
    await visitor.shoot(page, "alerts-360-dark");
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Change", exact: true }).click();
    expect(page.url()).toContain("edit=");
    await page.getByRole("textbox", { name: "Limit" }).fill("20");
    await page.getByRole("button", { name: "Save" }).click();
    await expect.poll(() => rules(page).first().textContent()).toContain("loss > 20");
    await rules(page).first().getByRole("checkbox").click();
    await expect.poll(() => page.getByRole("status").first().textContent()).toContain("is off");
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByRole("button", { name: "Really delete" }).click();
    await page.getByText("No alert yet").waitFor();
    expect(await history(page).count()).toBe(2);
    await page.context().close();
    expect(visitor.complaints).toEqual([]);
  });
});
