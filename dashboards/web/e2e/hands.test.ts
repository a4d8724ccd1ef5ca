// What hands do with charts, columns and panels, by mouse, keys and fingers; and what is left of it in memory.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CDPSession, Locator, Page } from "playwright-core";

import { findChromium, violations, Visitor } from "./browser";
import { seedCompare, type Compared } from "./compareseed";
import { missing, startServer, type Server } from "./server";

const chromium = findChromium();
const reason = missing() ?? (chromium ? null : "Chromium is missing: apt-get install chromium, or name one by CHROMIUM");
if (reason) console.log(`skipped: ${reason}`);

const PHONE = { viewport: { width: 360, height: 800 }, hasTouch: true, isMobile: true };

describe.skipIf(reason !== null)("charts, columns and panels under the hand", () => {
  let server: Server;
  let visitor: Visitor;
  let data: Compared;

  beforeAll(async () => {
    server = await startServer();
    data = await seedCompare(server.url);
    visitor = await Visitor.start(server.url, chromium as string);
  });

  afterAll(async () => {
    await visitor?.stop();
    await server?.stop();
  });

  const one = (part = "") => `#/compare?exp=${data.experiment}&show=${data.runs[5]}&search=loss${part}`;

  test("a part that is shown is moved by mouse and wheel, and all charts read it anew", async () => {
    const page = await visitor.open(one("&x=1000:1999"));
    await points(page, "loss", 1000);
    const box = await boxOf(plot(page, "loss"));
    const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    const quarter = box.width / 4;
    await page.mouse.move(middle.x, middle.y);
    const read = page.waitForRequest((r) => r.url().endsWith("/v1/series") && /"from":12\d\d/.test(r.postData() ?? ""));
    await page.keyboard.down("Shift");
    await page.mouse.down();
    await page.mouse.move(middle.x - quarter, middle.y, { steps: 5 });
    // The range is asked for when the movement ends.
    expect(rangeOf(page)).toEqual([1000, 1999]);
    await page.mouse.up();
    await page.keyboard.up("Shift");
    expect(((await read).postDataJSON() as { keys: string[] }).keys).toEqual(expect.arrayContaining(["loss", "train/loss"]));
    await expect.poll(() => rangeOf(page)[0]).toBeGreaterThan(1240);
    expect(width(page)).toBe(999);
    await points(page, "loss", 1000);
    await page.mouse.move(middle.x, middle.y);
    await page.mouse.down({ button: "middle" });
    await page.mouse.move(middle.x + quarter, middle.y, { steps: 5 });
    await page.mouse.up({ button: "middle" });
    await expect.poll(() => Math.abs((rangeOf(page)[0] ?? 0) - 1000)).toBeLessThan(10);
    await page.mouse.wheel(quarter, 0);
    await expect.poll(() => rangeOf(page)[0]).toBeGreaterThan(1240);
    await points(page, "loss", 1000);
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, -100);
    await page.keyboard.up("Control");
    await expect.poll(() => width(page)).toBeLessThan(800);
    await points(page, "loss", width(page) + 1);
    await page.context().close();
  });

  test("the keys of a chart move, narrow, widen and show all", async () => {
    const page = await visitor.open(one("&x=1000:2000"), { bypassCSP: true });
    await points(page, "loss", 1001);
    const chart = panel(page, "loss").getByRole("img");
    await chart.focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => rangeOf(page)).toEqual([1100, 2100]);
    await page.keyboard.press("Shift+ArrowLeft");
    await expect.poll(() => rangeOf(page)).toEqual([600, 1600]);
    await page.keyboard.press("+");
    await expect.poll(() => rangeOf(page)).toEqual([767, 1433]);
    await page.keyboard.press("-");
    await expect.poll(() => Math.abs(width(page) - 1000)).toBeLessThan(3);
    await visitor.shoot(page, "hands-panned-1440-light");
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("0");
    await expect.poll(() => rangeOf(page)).toEqual([]);
    await points(page, "loss", data.steps);
    // All is shown: there is nothing to move to, and before the first step there is nothing.
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("+");
    await expect.poll(() => width(page)).toBeGreaterThan(1900);
    for (let i = 0; i < 5; i++) await page.keyboard.press("Shift+ArrowLeft");
    await expect.poll(() => rangeOf(page)[0]).toBe(0);
    await page.context().close();
  });

  test("fingers move and narrow a chart, and still scroll the page", async () => {
    const page = await visitor.open(one(), PHONE);
    await points(page, "loss", data.steps);
    const fingers = await Fingers.of(page);
    const box = await centred(plot(page, "loss"));
    const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    const before = await scrolled(page);
    await fingers.swipe(at, { x: at.x, y: at.y - 120 });
    await expect.poll(() => scrolled(page)).toBeGreaterThan(before + 60);
    expect(rangeOf(page)).toEqual([]);
    const now = await centred(plot(page, "loss"));
    const y = now.y + now.height / 2;
    await fingers.pinch({ x: at.x, y }, 30, 120);
    await expect.poll(() => width(page)).toBeLessThan(1000);
    const [from = 0] = rangeOf(page);
    await points(page, "loss", width(page) + 1);
    await fingers.swipe({ x: at.x, y }, { x: at.x - 80, y });
    await expect.poll(() => rangeOf(page)[0]).toBeGreaterThan(from + 50);
    const moved = page.url();
    const top = await scrolled(page);
    await fingers.swipe({ x: at.x, y }, { x: at.x, y: y + 100 });
    await expect.poll(() => scrolled(page)).toBeLessThan(top - 40);
    expect(page.url()).toBe(moved);
    await visitor.shoot(page, "hands-pinched-360-light");
    await page.context().close();
  });

  test("a finger that rests drags a panel, and one that does not scrolls", async () => {
    const page = await visitor.open(`#/compare?exp=${data.experiment}&show=${data.runs[5]}&search=train&list=off`, { ...PHONE, viewport: { width: 1000, height: 800 } });
    const titles = () => page.locator(".sections h3").allTextContents();
    await points(page, "train/loss", 300);
    expect(await titles()).toEqual(["accuracy", "grad_norm", "loss", "lr"]);
    const fingers = await Fingers.of(page);
    const [first, third] = [await boxOf(panel(page, "train/accuracy").locator("h3")), await boxOf(panel(page, "train/loss"))];
    const over = { x: third.x + third.width / 2, y: third.y + third.height / 2 };
    await fingers.drag({ x: first.x + 20, y: first.y + 10 }, over, async () => {
      expect(await page.locator(".cell.over").count()).toBe(1);
      await visitor.shoot(page, "hands-dragged-1000-light");
    });
    await expect.poll(titles).toEqual(["grad_norm", "loss", "accuracy", "lr"]);
    expect(page.url()).toContain("order=");
    const second = await boxOf(panel(page, "train/grad_norm").locator("h3"));
    await fingers.swipe({ x: second.x + 20, y: second.y + 10 }, { x: second.x + 20, y: second.y - 100 });
    expect(await titles()).toEqual(["grad_norm", "loss", "accuracy", "lr"]);
    await page.context().close();
  });

  test("a finger that rests drags a column, and Esc or a tap leaves it where it is", async () => {
    const page = await visitor.open(`#/runs?exp=${data.experiment}&cols=params.lr,metrics.loss`, { ...PHONE, viewport: { width: 1000, height: 800 } });
    const heads = () => page.locator("th[data-column]").evaluateAll((all) => all.map((th) => (th as HTMLElement).dataset["column"]));
    await page.locator("tbody tr[aria-rowindex]").first().waitFor();
    const order = await heads();
    expect(order.slice(-2)).toEqual(["params.lr", "metrics.loss"]);
    const fingers = await Fingers.of(page);
    const place = async (id: string) => {
      const box = await boxOf(page.locator(`th[data-column="${id}"]`));
      return { x: box.x + 30, y: box.y + 15, left: box.x + 4 };
    };
    const [lr, loss] = [await place("params.lr"), await place("metrics.loss")];
    await fingers.drag(loss, { x: lr.left, y: lr.y });
    await expect.poll(heads).toEqual([...order.slice(0, -2), "metrics.loss", "params.lr"]);
    await page.touchscreen.tap(lr.x, lr.y);
    await page.waitForURL(/sort=-?metrics\.loss/);
    await page.mouse.move(loss.x, loss.y);
    await page.mouse.down();
    await page.mouse.move(lr.left, lr.y, { steps: 5 });
    await page.locator("th.drop").waitFor();
    await page.keyboard.press("Escape");
    await page.mouse.up();
    expect(await heads()).toEqual([...order.slice(0, -2), "metrics.loss", "params.lr"]);
    await page.context().close();
  });

  test("the page's memory does not grow with the points that come, and closed charts leave nothing", async () => {
    const KEYS = 6;
    const STEPS = { before: 3000, after: 12_000 };
    const GROWTH_BYTES = 2.5e6; // of as many points in columns it would be three times that
    const run = await data.start("live");
    const log = (from: number, steps: number) => data.logMany(run, KEYS, from, steps);
    await log(0, 1);
    const page = await visitor.open(`#/compare?exp=${data.experiment}&show=${run}`);
    await points(page, "live/0", 1);
    await page.locator('[data-connection="open"]').waitFor();
    const cdp = await page.context().newCDPSession(page);
    await cdp.send("Performance.enable");
    await log(1, STEPS.before - 1);
    for (let k = 0; k < KEYS; k++) await points(page, `live/${k}`, STEPS.before);
    const begin = await memory(cdp);
    await log(STEPS.before, STEPS.after);
    for (let k = 0; k < KEYS; k++) await points(page, `live/${k}`, STEPS.before + STEPS.after);
    const end = await memory(cdp);
    expect(end.heap - begin.heap).toBeLessThan(GROWTH_BYTES);
    expect(end.nodes - begin.nodes).toBeLessThan(100);
    const turned = async (times: number) => {
      const { hash } = new URL(page.url());
      for (let i = 0; i < times; i++) {
        await page.evaluate((to) => void (location.hash = to), i % 2 ? hash : "#/models");
        await page.locator(i % 2 ? ".uplot canvas" : "h1:has-text('Models')").first().waitFor();
      }
      expect(await page.locator(".uplot").count()).toBe(0);
      return memory(cdp);
    };
    const once = await turned(3);
    await page.evaluate((to) => void (location.hash = to), one());
    await page.locator(".uplot canvas").first().waitFor();
    const often = await turned(7);
    expect(often.listeners - once.listeners).toBeLessThan(20);
    expect(often.nodes - once.nodes).toBeLessThan(100);
    await page.context().close();
  });

  test("nothing complained", () => {
    expect(visitor.complaints).toEqual([]);
    expect(visitor.foreign).toEqual([]);
  });
});

const panel = (page: Page, metric: string) => page.getByRole("region", { name: metric, exact: true });
const plot = (page: Page, metric: string) => panel(page, metric).locator(".u-over");

async function boxOf(locator: Locator) {
  const box = await locator.boundingBox();
  if (!box) throw new Error("not on the page");
  return box;
}

async function centred(locator: Locator) {
  await locator.evaluate((node) => node.scrollIntoView({ block: "center" }));
  return boxOf(locator);
}

/** Waits until a panel is drawn from so many points. */
async function points(page: Page, metric: string, n: number): Promise<void> {
  const text = `${n.toLocaleString("en-US")} ${n === 1 ? "point" : "points"}`;
  await panel(page, metric).locator(".points", { hasText: new RegExp(`^${text}$`) }).waitFor();
}

/** The range in the address; empty: all. */
const rangeOf = (page: Page): number[] => /[?&]x=(-?\d+)(?::|%3A)(-?\d+)/.exec(page.url())?.slice(1).map(Number) ?? [];
const width = (page: Page) => (rangeOf(page)[1] ?? Infinity) - (rangeOf(page)[0] ?? 0);

/** How far down the page, or what scrolls in it, is. */
const scrolled = (page: Page) =>
  page.evaluate(() => [document.scrollingElement, ...document.querySelectorAll("*")].reduce((sum, node) => sum + (node?.scrollTop ?? 0), 0));

async function memory(cdp: CDPSession) {
  await cdp.send("HeapProfiler.collectGarbage");
  const { metrics } = await cdp.send("Performance.getMetrics");
  const of = (name: string) => metrics.find((m) => m.name === name)?.value ?? NaN;
  return { heap: of("JSHeapUsedSize"), nodes: of("Nodes"), listeners: of("JSEventListeners") };
}

interface Spot {
  readonly x: number;
  readonly y: number;
}

/** Real touches, as a screen reports them. */
class Fingers {
  private constructor(private readonly cdp: CDPSession) {}

  static async of(page: Page): Promise<Fingers> {
    return new Fingers(await page.context().newCDPSession(page));
  }

  async #send(type: "touchStart" | "touchMove" | "touchEnd", ...spots: readonly Spot[]): Promise<void> {
    await this.cdp.send("Input.dispatchTouchEvent", { type, touchPoints: spots.map(({ x, y }, id) => ({ x, y, id })) });
  }

  async #move(from: Spot, to: Spot): Promise<void> {
    const STEPS = 8;
    for (let i = 1; i <= STEPS; i++) await this.#send("touchMove", { x: from.x + ((to.x - from.x) * i) / STEPS, y: from.y + ((to.y - from.y) * i) / STEPS });
  }

  async swipe(from: Spot, to: Spot): Promise<void> {
    await this.#send("touchStart", from);
    await this.#move(from, to);
    await this.#send("touchEnd");
  }

  /** Two fingers beside a spot, from so far to so far. */
  async pinch({ x, y }: Spot, from: number, to: number): Promise<void> {
    const STEPS = 8;
    const at = (far: number) => [{ x: x - far, y }, { x: x + far, y }];
    await this.#send("touchStart", ...at(from));
    for (let i = 1; i <= STEPS; i++) await this.#send("touchMove", ...at(from + ((to - from) * i) / STEPS));
    await this.#send("touchEnd");
  }

  /** Rests, moves, and lets go. */
  async drag(from: Spot, to: Spot, held: () => Promise<void> = async () => {}): Promise<void> {
    const REST_MS = 600;
    await this.#send("touchStart", from);
    await new Promise((done) => setTimeout(done, REST_MS));
    await this.#move(from, to);
    await held();
    await this.#send("touchEnd");
  }
}
