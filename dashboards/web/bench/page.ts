// What is measured inside the page.

import type { CDPSession, Page } from "playwright-core";

const READY_MS = 60_000;
const WINDOW_MS = 1000;

/** Waits until a question that is asked in the page at every frame says yes, and for one frame more. Answers when, by the page's clock. */
export async function when(page: Page, question: string): Promise<number> {
  return page.evaluate(
    ([question, most]) =>
      new Promise<number>((done, fail) => {
        const ask = new Function(`return (${question})`) as () => boolean;
        const look = () => {
          if (ask()) requestAnimationFrame(() => done(performance.now()));
          else if (performance.now() - begin > Number(most)) fail(new Error(`not within ${most} ms: ${question}`));
          else requestAnimationFrame(look);
        };
        const begin = performance.now();
        look();
      }),
    [question, READY_MS] as const,
  );
}

/** Goes to another address inside the page and waits; milliseconds. */
export async function turn(page: Page, hash: string, question: string): Promise<number> {
  const begin = await page.evaluate((hash) => {
    const now = performance.now();
    location.hash = hash;
    return now;
  }, hash);
  return (await when(page, question)) - begin;
}

/** At least so many panels are in sight, and all of those are drawn. */
export const drawn = (least: number) => `(() => {
  const seen = [...document.querySelectorAll("section.panel")].filter((p) => { const b = p.getBoundingClientRect(); return b.width > 0 && b.bottom > 0 && b.top < innerHeight; });
  return seen.length >= ${least} && seen.every((p) => p.querySelector(".uplot canvas") && !p.querySelector(".waiting, .skeleton"));
})()`;

export interface Frames {
  /** In any second. */
  readonly least: number;
  readonly fifth: number;
  readonly middle: number;
  readonly longestMS: number;
}

export const framesText = (f: Frames) => `least ${f.least}, p5 ${f.fifth}, middle ${f.middle} a second; longest frame ${Math.round(f.longestMS)} ms`;

/** Counts frames while something is done. */
export async function frames(page: Page, during: () => Promise<void>): Promise<Frames> {
  await page.evaluate(() => {
    const at: number[] = [];
    const note = (now: number) => {
      at.push(now);
      (globalThis as unknown as { counted?: number[] }).counted = at;
      if (!(globalThis as unknown as { counting?: boolean }).counting) return;
      requestAnimationFrame(note);
    };
    (globalThis as unknown as { counting: boolean }).counting = true;
    requestAnimationFrame(note);
  });
  await during();
  const at = await page.evaluate(() => {
    const world = globalThis as unknown as { counting: boolean; counted: number[] };
    world.counting = false;
    return world.counted;
  });
  return countFrames(at);
}

/** Frames of every second that begins with a frame. Pure. */
export function countFrames(at: readonly number[]): Frames {
  const seconds: number[] = [];
  for (let i = 0, end = 0; i < at.length && (at[i] as number) + WINDOW_MS <= (at[at.length - 1] as number); i++) {
    while ((at[end] as number) < (at[i] as number) + WINDOW_MS) end++;
    seconds.push(end - i);
  }
  seconds.sort((a, b) => a - b);
  const gaps = at.slice(1).map((t, i) => t - (at[i] as number));
  const part = (p: number) => seconds[Math.floor(seconds.length * p)] ?? 0;
  return { least: part(0), fifth: part(0.05), middle: part(0.5), longestMS: Math.max(0, ...gaps) };
}

export interface Memory {
  readonly heap: number;
  readonly nodes: number;
}

/** Bytes of the page's script and its nodes, after all garbage is collected. */
export async function memory(cdp: CDPSession): Promise<Memory> {
  await cdp.send("HeapProfiler.collectGarbage");
  const { metrics } = await cdp.send("Performance.getMetrics");
  const of = (name: string) => metrics.find((m) => m.name === name)?.value ?? NaN;
  return { heap: of("JSHeapUsedSize"), nodes: of("Nodes") };
}
