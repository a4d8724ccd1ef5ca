// Draws the Grafana dashboards with the demo's data: node preview/run.mjs ROWS.json FOLDER, from what rows.py wrote.
// It is no Grafana, and looks otherwise; but an empty panel, a wrong unit or an unreadable name here is one there.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { chromium } from "playwright-core";
import { createServer } from "vite";

import { findChromium, FLAGS } from "../e2e/browser";
import type { Board } from "./panel";

const VIEWPORT = { width: 1400, height: 900 };

export async function main([rows, folder]: readonly string[]): Promise<number> {
  const executablePath = findChromium();
  if (!rows || !folder || !executablePath) {
    console.error(executablePath ? "give the file of rows and a folder for the pictures" : "no Chromium");
    return 2;
  }
  const boards = JSON.parse(readFileSync(rows, "utf8")) as Board[];
  const server = await createServer({ root: import.meta.dirname, configFile: false, logLevel: "error", cacheDir: resolve(folder, ".vite"), server: { host: "127.0.0.1", port: 0, hmr: false } });
  await server.listen();
  const address = server.resolvedUrls?.local[0] ?? "";
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  try {
    const page = await (await browser.newContext({ viewport: VIEWPORT })).newPage();
    page.on("pageerror", (error) => console.error(String(error)));
    for (const board of boards) {
      await page.goto(address);
      await page.waitForFunction(() => window.draw !== undefined && document.fonts.status === "loaded");
      await page.evaluate((b) => window.draw?.(b), board);
      await page.waitForTimeout(300);
      await page.screenshot({ path: resolve(folder, `grafana-${board.uid.replace(/^sg-/, "")}.png`), fullPage: true });
    }
  } finally {
    await browser.close();
    await server.close();
  }
  return 0;
}
