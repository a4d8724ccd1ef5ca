// Reads series for many charts: what they ask for at one moment goes in few requests.

import { readSeries, type SeriesAsk } from "./api";
import type { Series } from "./series";

/** So many metrics in a request, as charts fit on a screen: another request costs the server as much as several metrics more. */
const KEYS_MAX = 12;
const AT_ONCE = 2;

type Read = typeof readSeries;

interface Waiting {
  readonly ask: SeriesAsk;
  readonly signal: AbortSignal;
  readonly done: (series: readonly Series[]) => void;
  readonly fail: (cause: unknown) => void;
}

export class Reader {
  #waiting: Waiting[] = [];
  #reading = 0;
  #gathering = false;

  constructor(private readonly read: Read = readSeries) {}

  /** The series that an ask names. It fails as its request does, or when the signal says so. */
  ask(ask: SeriesAsk, signal: AbortSignal): Promise<readonly Series[]> {
    return new Promise((done, fail) => {
      this.#waiting.push({ ask, signal, done, fail });
      if (this.#gathering) return;
      this.#gathering = true;
      // Each chart hears in a microtask of its own that it is in sight; this comes after all of them.
      setTimeout(() => {
        this.#gathering = false;
        this.#next();
      });
    });
  }

  #next(): void {
    while (this.#reading < AT_ONCE) {
      this.#waiting = this.#waiting.filter((w) => !w.signal.aborted || w.fail(w.signal.reason));
      const together = gather(this.#waiting);
      if (together.length === 0) return;
      this.#waiting = this.#waiting.filter((w) => !together.includes(w));
      void this.#request(together);
    }
  }

  async #request(together: readonly Waiting[]): Promise<void> {
    this.#reading++;
    const first = (together[0] as Waiting).ask;
    const keys = [...new Set(together.flatMap((w) => w.ask.keys))];
    const abort = new AbortController();
    const look = () => {
      if (together.every((w) => w.signal.aborted)) abort.abort();
    };
    for (const w of together) w.signal.addEventListener("abort", look);
    try {
      const series = await this.read({ ...first, keys }, abort.signal);
      for (const w of together) w.done(series.filter((s) => w.ask.keys.includes(s.key)));
    } catch (cause) {
      for (const w of together) w.fail(cause);
    }
    for (const w of together) w.signal.removeEventListener("abort", look);
    this.#reading--;
    this.#next();
  }
}

/** The first that waits, and those after it that ask for other metrics of the same. */
function gather(waiting: readonly Waiting[]): Waiting[] {
  const first = waiting[0];
  if (!first) return [];
  const same = (a: SeriesAsk) => JSON.stringify([a.runs, a.axis, a.range, a.buckets, a.timeless ?? false]);
  const wanted = same(first.ask);
  const together: Waiting[] = [];
  const keys = new Set<string>();
  for (const w of waiting) {
    if (same(w.ask) !== wanted) continue;
    const all = new Set([...keys, ...w.ask.keys]);
    if (together.length > 0 && all.size > KEYS_MAX) break;
    for (const key of all) keys.add(key);
    together.push(w);
  }
  return together;
}

export const reader = new Reader();
