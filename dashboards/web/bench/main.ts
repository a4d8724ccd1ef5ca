// Measures the page against a real server: node bench/run.mjs --fill PROGRAM [--out FILE] [--points N] [--long N] [--runs N]
// [--names N] [--memory SECONDS] [--only TEXT]. A part that fails is told in the table, and the rest goes on.

import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { gzipSync } from "node:zlib";

import { chromium, type Browser, type Page } from "playwright-core";

import { findChromium, FLAGS } from "../e2e/browser";
import { missing, startServer, type Server } from "../e2e/server";
import { drawn, frames, framesText, memory, turn, when } from "./page";
import { publish, section, spread, type Figure } from "./report";
import { LiveRun, LIVE_KEYS } from "./live";

const TIMES = 5;
const FILL_MS = 6 * 60_000;
const PART_MS = 60_000;
const SAMPLE_MS = 10_000;
/** Longer than the page needs to come to rest. */
const SETTLE_MS = 3000;
const POINTER_MS = 10_000;
const FIRST_PAGE_BYTES = 150_000;
const SCREEN = { width: 1440, height: 900 };
/** All 50 charts are in sight. */
const TALL = { width: 1440, height: 3500 };

interface Filled {
  readonly experiment: string;
  readonly runs: readonly string[];
  readonly keys?: readonly string[];
  /** Of runs that are too many to name: as many as the time allowed. */
  readonly count?: number;
}

interface Bench {
  readonly server: Server;
  readonly browser: Browser;
  readonly size: { readonly points: number; readonly long: number; readonly runs: number; readonly names: number; readonly memory: number };
  fill(...what: readonly (string | number)[]): Promise<Filled>;
  add(work: string, asked: string, measured: string): void;
}

const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
const million = (n: number) => (n >= 1e6 ? `${n / 1e6} M` : n.toLocaleString("en"));

async function open(b: Bench, hash: string, viewport = SCREEN): Promise<Page> {
  const page = await (await b.browser.newContext({ viewport, colorScheme: "light" })).newPage();
  page.setDefaultTimeout(PART_MS);
  await page.goto(`${b.server.url}/${hash}`);
  return page;
}

const close = (page: Page) => page.context().close();

/** From the address to what the question asks for, in a new browser profile each time. */
async function opened(b: Bench, hash: string, question: string, times = TIMES): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < times; i++) {
    const page = await open(b, hash);
    all.push(await when(page, question));
    await close(page);
  }
  return all;
}

const ROWS = `document.querySelectorAll("tbody tr[aria-rowindex]").length > 10`;

async function firstPage(b: Bench, sweep: Filled): Promise<void> {
  const page = await (await b.browser.newContext({ viewport: SCREEN })).newPage();
  let bytes = 0;
  const bodies: Promise<void>[] = [];
  page.on("response", (r) => {
    if (/\.js($|\?)/.test(r.url())) bodies.push(r.body().then((body) => void (bytes += gzipSync(body).length), () => {}));
  });
  await page.goto(`${b.server.url}/#/runs?exp=${sweep.experiment}`);
  await when(page, ROWS);
  await Promise.all(bodies);
  await close(page);
  b.add("script of the first page, gzipped", `< ${FIRST_PAGE_BYTES / 1000} KB`, `${(bytes / 1000).toFixed(0)} KB`);
  b.add(`first meaningful paint: the first page with rows of ${million(sweep.count ?? 0)} runs, nothing cached`, "< 1 s", spread(await opened(b, `#/runs?exp=${sweep.experiment}`, ROWS)));
}

async function runTable(b: Bench, sweep: Filled, other: Filled): Promise<void> {
  const page = await open(b, `#/runs?exp=${other.experiment}`);
  await when(page, `document.querySelector("tbody tr[aria-rowindex]") !== null`);
  const [rows, filters]: [number[], number[]] = [[], []];
  for (let i = 0; i < TIMES; i++) {
    rows.push(await turn(page, `/runs?exp=${sweep.experiment}`, `${ROWS} && document.querySelector("tbody").textContent.includes("trial-")`));
    const filter = encodeURIComponent(`metrics.m1 > 0.${3 + i} and params.p1 = '3'`);
    await page.evaluate(() => document.querySelector("tbody tr[aria-rowindex]")?.setAttribute("data-old", ""));
    const answered = `!document.querySelector(".scroll.dimmed") && document.querySelector("tbody tr[aria-rowindex] a") && document.querySelector("tbody tr[data-old]") === null`;
    filters.push(await turn(page, `/runs?exp=${sweep.experiment}&filter=${filter}`, answered));
    await turn(page, `/runs?exp=${other.experiment}`, `document.querySelector("tbody tr[aria-rowindex]") !== null && !document.querySelector("tbody").textContent.includes("trial-")`);
  }
  await close(page);
  b.add(`run table of ${million(sweep.count ?? 0)} runs: first rows, from another experiment`, "< 300 ms", spread(rows));
  b.add("the same: filter by a metric and a param", "< 200 ms", spread(filters));
}

async function compare(b: Bench, f: Filled): Promise<void> {
  const hash = `/compare?exp=${f.experiment}&show=${f.runs.join(",")}`;
  const page = await open(b, "#/sql");
  await wait(SETTLE_MS);
  const all: number[] = [];
  for (let i = 0; i < TIMES; i++) {
    all.push(await turn(page, hash, drawn(6)));
    if (i < TIMES - 1) await turn(page, "/sql", `!document.querySelector("section.panel")`);
  }
  const seen = await page.evaluate(() => [...document.querySelectorAll("section.panel")].filter((p) => p.getBoundingClientRect().top < innerHeight).length);
  await close(page);
  const what = `compare ${f.runs.length} runs x ${f.keys?.length} charts of ${million(b.size.points)} points each: all ${seen} visible charts`;
  b.add(what, "< 1.5 s", spread(all));
  b.add("the same from an address typed, nothing cached", "-", spread(await opened(b, `#${hash}`, drawn(6))));
}

async function longSeries(b: Bench, f: Filled): Promise<void> {
  const of = (range: string) => `/compare?exp=${f.experiment}&show=${f.runs[0]}&full=${encodeURIComponent(f.keys?.[0] ?? "")}${range}`;
  const full = `(() => { const p = document.querySelector("section.panel.full"); return p && p.querySelector(".uplot canvas") && !p.querySelector(".waiting, .skeleton"); })()`;
  const page = await open(b, "#/sql");
  await wait(SETTLE_MS);
  const [shown, zoomed]: [number[], number[]] = [[], []];
  for (let i = 0; i < TIMES; i++) {
    shown.push(await turn(page, of(""), full));
    const from = Math.floor(b.size.long * (0.1 + 0.15 * i));
    // The panel dims in the next frame: the question must not be asked before it.
    zoomed.push(await turn(page, of(`&x=${from}:${from + Math.floor(b.size.long / 50)}`), `(this.asked = (this.asked ?? 0) + 1) > 3 && ${full}`));
    await turn(page, "/sql", `(delete this.asked, !document.querySelector("section.panel"))`);
  }
  await close(page);
  b.add(`one series of ${million(b.size.long)} points on screen`, "< 300 ms", spread(shown));
  b.add("zoom into a fiftieth of it", "< 300 ms", spread(zoomed));
}

async function manyNames(b: Bench, f: Filled): Promise<void> {
  const shown = `document.querySelector("h1")?.textContent.includes("many names") && document.querySelector("section.panel .uplot canvas") !== null`;
  b.add(`page of a run with ${million(b.size.names)} names of metrics`, "< 1 s", spread(await opened(b, `#/runs/${f.runs[0]}`, shown, 3)));
}

/** Moves the pointer over the charts for a while. */
async function hover(page: Page, { width, height }: { width: number; height: number }): Promise<void> {
  const begin = Date.now();
  for (let i = 0; Date.now() - begin < POINTER_MS; i++) {
    const at = Date.now();
    await page.mouse.move(width * (0.6 + 0.35 * Math.sin(i / 40)), height * (0.55 + 0.3 * Math.sin(i / 170)));
    await wait(Math.max(0, 15 - (Date.now() - at)));
  }
}

async function pan(page: Page): Promise<void> {
  const begin = Date.now();
  for (let i = 0; Date.now() - begin < POINTER_MS; i++) {
    const at = Date.now();
    await page.mouse.wheel(0, i % 200 < 100 ? 12 : -12);
    await wait(Math.max(0, 15 - (Date.now() - at)));
  }
}

async function smooth(b: Bench): Promise<void> {
  const run = await LiveRun.start(b.server.url);
  try {
    const hash = `#/compare?exp=${run.experiment}&turned=${run.sections.map((s) => encodeURIComponent(`+${s}`)).join(",")}`;
    for (const [viewport, name] of [[SCREEN, "page of 1440 x 900"], [TALL, "all 50 in sight, 1440 x 3500"]] as const) {
      const still = await open(b, "#/models", viewport);
      await wait(SETTLE_MS);
      b.add(`frames: ${name}, a page that does nothing`, "-", framesText(await frames(still, () => wait(POINTER_MS))));
      await close(still);
      const page = await open(b, hash, viewport);
      await when(page, drawn(6));
      await wait(SETTLE_MS);
      b.add(`frames: ${LIVE_KEYS} live charts, ${name}, untouched`, ">= 50", framesText(await frames(page, () => wait(POINTER_MS))));
      b.add("the same, pointer over them", ">= 50", framesText(await frames(page, () => hover(page, viewport))));
      await page.mouse.move(viewport.width * 0.6, viewport.height * 0.6);
      if (viewport === SCREEN) b.add("the same, scrolled through", ">= 50", framesText(await frames(page, () => pan(page))));
      await close(page);
    }
  } finally {
    await run.stop();
  }
}

async function memoryOf(b: Bench): Promise<void> {
  const run = await LiveRun.start(b.server.url);
  try {
    const page = await open(b, `#/compare?exp=${run.experiment}&turned=${run.sections.map((s) => encodeURIComponent(`+${s}`)).join(",")}`);
    await when(page, drawn(6));
    const cdp = await page.context().newCDPSession(page);
    await cdp.send("Performance.enable");
    await wait(SAMPLE_MS);
    const begin = Date.now();
    const samples = [];
    while (Date.now() - begin < b.size.memory * 1000) {
      samples.push({ at: (Date.now() - begin) / 60_000, ...(await memory(cdp)) });
      await wait(Math.min(SAMPLE_MS, b.size.memory * 100));
    }
    await close(page);
    const mean = (values: readonly number[]) => values.reduce((a, v) => a + v, 0) / values.length;
    // The rows of a run that has begun grow until there are as many as a chart is wide: the second half tells.
    const late = samples.slice(Math.floor(samples.length / 2));
    const [x, y] = [mean(late.map((s) => s.at)), mean(late.map((s) => s.heap))];
    const slope = late.reduce((a, s) => a + (s.at - x) * (s.heap - y), 0) / late.reduce((a, s) => a + (s.at - x) ** 2, 0);
    const [first, last] = [samples[0], samples[samples.length - 1]];
    const mib = (n: number | undefined) => `${((n ?? NaN) / 2 ** 20).toFixed(1)} MiB`;
    b.add(
      `memory of a page with ${LIVE_KEYS} live charts over ${b.size.memory} s, ${run.steps} steps came`,
      "stable",
      `script ${mib(first?.heap)} to ${mib(last?.heap)}, in the second half ${(slope / 1024).toFixed(0)} KiB a minute; ${first?.nodes} to ${last?.nodes} nodes`,
    );
  } finally {
    await run.stop();
  }
}

export async function main(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      fill: { type: "string", default: resolve(import.meta.dirname, "../../../.build/fill") },
      out: { type: "string" },
      points: { type: "string", default: "100000" },
      long: { type: "string", default: "100000000" },
      runs: { type: "string", default: "100000" },
      names: { type: "string", default: "1000000" },
      memory: { type: "string", default: "300" },
      only: { type: "string", default: "" },
    },
  });
  const chromiumPath = findChromium();
  const reason = missing() ?? (chromiumPath ? null : "Chromium is missing: apt-get install chromium");
  if (reason) {
    console.error(`bench-web: ${reason}`);
    return 1;
  }
  const figures: Figure[] = [];
  let failed = 0;
  const server = await startServer();
  const browser = await chromium.launch({ executablePath: chromiumPath as string, args: [...FLAGS] });
  const end = async () => {
    await browser.close();
    await server.stop();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void end().finally(() => process.exit(1)));
  const b: Bench = {
    server,
    browser,
    size: { points: Number(values.points), long: Number(values.long), runs: Number(values.runs), names: Number(values.names), memory: Number(values.memory) },
    async fill(...what) {
      const { stdout } = await promisify(execFile)(values.fill, ["--url", server.url, "--data", server.data, ...what.map(String)], { timeout: FILL_MS });
      return JSON.parse(stdout) as Filled;
    },
    add(work, asked, measured) {
      figures.push({ work, asked, measured });
      console.log(`| ${work} | ${asked} | ${measured} |`);
    },
  };
  const part = async (name: string, run: () => Promise<void>) => {
    if (!name.includes(values.only)) return;
    const began = Date.now();
    try {
      await run();
    } catch (error) {
      failed++;
      b.add(name, "-", `failed: ${String(error).split("\n")[0]?.slice(0, 200).replaceAll("|", "/")}`);
    }
    console.error(`  ${name}: ${((Date.now() - began) / 1000).toFixed(0)} s`);
  };
  const once = (fill: () => Promise<Filled>) => {
    let filled: Promise<Filled> | undefined;
    return () => (filled ??= fill());
  };
  const [sweep, compared, long, names] = [
    once(() => b.fill("runs", b.size.runs)),
    once(() => b.fill("series", 10, 50, b.size.points)),
    once(() => b.fill("series", 1, 1, b.size.long)),
    once(() => b.fill("names", b.size.names)),
  ];
  try {
    // Times do not matter to memory: the data is put in meanwhile.
    await Promise.all([
      part("memory", () => memoryOf(b)),
      (async () => {
        for (const [name, fill] of [["table", sweep], ["compare", compared], ["long", long], ["names", names]] as const) {
          if (name.includes(values.only)) await fill().catch(() => {}); // the part that needs it tells
        }
      })(),
    ]);
    await part("table", async () => firstPage(b, await sweep()));
    await part("table", async () => runTable(b, await sweep(), await compared()));
    await part("compare", async () => compare(b, await compared()));
    await part("long", async () => longSeries(b, await long()));
    await part("names", async () => manyNames(b, await names()));
    await part("frames", () => smooth(b));
    if (values.out) publish(values.out, section(figures, browser.version()));
  } finally {
    await end();
  }
  return failed === 0 ? 0 : 1;
}
