// A real Chromium of the system, and what its pages complained about.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from "playwright-core";

const PATHS = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The browser must not talk to anyone either: no updates, no sync, no first-run pages. */
export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const SHOTS = resolve(import.meta.dirname, "../../../.build/screenshots");

const installed = () => PATHS.find((path) => path && existsSync(path));

/** Where the browser is. Without one, root may install Debian's; anyone else must, and then the tests are skipped. */
export function findChromium(): string | null {
  const found = installed();
  if (found) return found;
  if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    console.log("installing chromium: apt-get install chromium");
    try {
      execFileSync("apt-get", ["install", "-y", "--no-install-recommends", "chromium"], { stdio: "ignore" });
    } catch (error) {
      console.log(`chromium could not be installed: ${String(error)}`);
    }
  }
  return installed() ?? null;
}

/** Opens pages of one server and remembers what should not have happened on them. */
export class Visitor {
  /** Console errors, exceptions and failed requests. */
  readonly complaints: string[] = [];
  readonly foreign: string[] = [];
  /** A status that a test provokes; the browser's own line about it is no complaint. */
  expectedStatus = 0;
  /** A test breaks connections; what the browser says of that is no complaint. */
  expectedBreak = false;

  private constructor(
    readonly url: string,
    private readonly browser: Browser,
  ) {}

  static async start(url: string, executablePath: string): Promise<Visitor> {
    mkdirSync(SHOTS, { recursive: true });
    return new Visitor(url, await chromium.launch({ executablePath, args: FLAGS }));
  }

  /** A page of a fresh browser profile. */
  async open(hash = "", options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "light", ...options });
    const page = await context.newPage();
    page.on("console", (m) => {
      const provoked =
        (this.expectedStatus !== 0 && m.text().includes(`status of ${this.expectedStatus}`)) || (this.expectedBreak && m.text().includes("net::ERR_"));
      if ((m.type() === "error" || m.type() === "warning") && !provoked) this.complaints.push(m.text());
    });
    page.on("pageerror", (error) => this.complaints.push(error.stack ?? String(error)));
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol !== "data:" && protocol !== "blob:" && origin !== this.url) this.foreign.push(request.url());
    });
    await page.goto(`${this.url}/${hash}`);
    return page;
  }

  async shoot(page: Page, name: string): Promise<void> {
    await page.screenshot({ path: resolve(SHOTS, `${name}.png`) });
  }

  async stop(): Promise<void> {
    await this.browser.close();
  }
}

/** Where the numbers at the axis of y end, in pixels of the page. */
const AXIS_PX = 70;

/** How many pixels of a chart's canvas are of lines, in the part from `top` to `bottom` (0 to 1). In the light theme. */
export async function inkOf(canvas: Locator, top = 0, bottom = 1): Promise<number> {
  return canvas.evaluate(
    (node, [from, to, axis]) => {
      const canvas = node as HTMLCanvasElement;
      const y = Math.floor(canvas.height * from);
      const height = Math.floor(canvas.height * to) - y;
      const left = axis * devicePixelRatio;
      // A copy, so that the page's own canvas stays as fast as it is.
      const copy = new OffscreenCanvas(canvas.width - left, height).getContext("2d", { willReadFrequently: true });
      copy?.drawImage(canvas, -left, -y);
      const { data } = copy?.getImageData(0, 0, canvas.width - left, height) ?? { data: [] };
      let ink = 0;
      // The grid is light grey; lines have a colour, or are dark: one of the palette is grey.
      for (let i = 0; i < data.length; i += 4) {
        const [r = 0, g = 0, b = 0, a = 0] = [data[i], data[i + 1], data[i + 2], data[i + 3]];
        const light = Math.max(r, g, b);
        if (a > 60 && (light - Math.min(r, g, b) > 40 || light < 160)) ink++;
      }
      return ink;
    },
    [top, bottom, AXIS_PX] as const,
  );
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds on a page that was opened with bypassCSP. What WCAG 2.2 AA adds, axe looks at only if it is told to. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe: checker } = window as unknown as { axe: { run(on: Document, how: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
    return (await checker.run(document, { rules: { "target-size": { enabled: true } } })).violations.map((v) => `${v.id}, ${v.nodes.length}: ${v.nodes[0]?.html.slice(0, 200)}`);
  });
}
