// The series behind one chart: read from the server, and kept up to date by live points.

import { flushSync } from "svelte";

import { ApiError, type SeriesAsk } from "./api";
import { live } from "./live/live.svelte";
import { emptySeries, mergeLive, type LiveLine } from "./live/merge";
import { turns } from "./plot/turns";
import { reader } from "./reader";
import type { Series } from "./series";

export interface PanelAsk extends SeriesAsk {
  /** The asked runs that go on, with when they began. */
  readonly live: ReadonlyMap<string, number>;
}

/** Points that come within so long are drawn together. */
const FRAME_MS = 150;
/** A server that has not begun to send by then is read without: it is read again when it does. */
const PATIENCE_MS = 300;
/** How often a chart is read whose live points do not come. */
const POLL_MS = 5000;
/** Rows that grow by live points are read anew when there are so many times as many as were asked for. */
const GROWTH = 2;
const AGAIN_MS = 1000;
/** So many lines of live points are kept while the server is read; more are read once again. */
const MEANWHILE_MAX = 2000;

export const seriesID = (run: string, key: string) => `${run}\n${key}`;

export class PanelData {
  /** By seriesID. What was read last stays until the next answer is here. */
  series: ReadonlyMap<string, Series> = $state.raw(new Map());
  /** Which ask `series` answers, by the name that watch got. */
  loadedFor = $state("");
  error: ApiError | null = $state.raw(null);

  #watch: Watch | null = null;

  /** Reads what is asked for until the answer is called. `name` tells one ask from another. */
  watch(ask: PanelAsk, name: string): () => void {
    const watch = new Watch(this, ask, name);
    this.#watch = watch;
    return () => watch.stop();
  }

  /** Reads again, after an error. */
  retry(): void {
    this.#watch?.read();
  }
}

class Watch {
  readonly #abort = new AbortController();
  readonly #stops: (() => void)[] = [];
  #reading = false;
  #again = false;
  /** Live points that came while the server was read. */
  #meanwhile: LiveLine[] = [];
  #queue: LiveLine[] = [];
  #frame: ReturnType<typeof setTimeout> | undefined;
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly data: PanelData,
    private readonly ask: PanelAsk,
    private readonly name: string,
  ) {
    if (ask.live.size === 0) this.read();
    else this.#follow();
  }

  /** Reads as soon as live points come, so that there is no gap between them and what was read. */
  #follow(): void {
    const { ask } = this;
    let begun = false;
    const read = () => {
      begun = true;
      this.read();
    };
    this.#stops.push(
      live.subscribe([...ask.live.keys()], ask.keys, { active: read, reset: read, points: (lines) => this.#take(lines) }),
    );
    const patience = setTimeout(() => !begun && this.read(), PATIENCE_MS);
    const poll = setInterval(() => {
      if (!document.hidden && (live.connection !== "open" || live.refused !== null)) this.read();
    }, POLL_MS);
    this.#stops.push(() => (clearTimeout(patience), clearInterval(poll)));
  }

  stop(): void {
    this.#abort.abort();
    for (const stop of this.#stops) stop();
    turns.leave(this);
    clearTimeout(this.#frame);
    clearTimeout(this.#later);
  }

  read(): void {
    if (this.#reading) this.#again = true;
    else void this.#read();
  }

  async #read(): Promise<void> {
    const { signal } = this.#abort;
    this.#reading = true;
    try {
      const { runs, keys } = this.ask;
      const answer = runs.length === 0 || keys.length === 0 ? [] : await reader.ask({ ...this.ask, timeless: this.ask.axis === "step" && this.ask.live.size === 0 }, signal);
      if (signal.aborted) return;
      this.data.series = new Map(answer.map((s) => [seriesID(s.run, s.key), s]));
      this.data.loadedFor = this.name;
      this.data.error = null;
      this.#apply(this.#meanwhile);
    } catch (cause) {
      if (signal.aborted) return;
      this.data.error = cause instanceof ApiError ? cause : new ApiError(0, "BUG", String(cause));
      // What was asked wrongly stays wrong; a server that could not answer now may do so later.
      const mine = this.data.error.status >= 400 && this.data.error.status < 500 && this.data.error.status !== 429;
      if (!mine) this.#readSoon(POLL_MS);
    }
    this.#meanwhile = [];
    this.#reading = false;
    if (this.#again) {
      this.#again = false;
      this.read();
    }
  }

  #take(lines: readonly LiveLine[]): void {
    this.#queue.push(...lines);
    this.#frame ??= setTimeout(() => {
      this.#frame = undefined;
      // In the background there are no frames.
      if (document.hidden) this.#show();
      else turns.take(this, () => flushSync(() => this.#show()));
    }, FRAME_MS);
  }

  #show(): void {
    const queue = this.#queue;
    this.#queue = [];
    if (this.#reading && this.#meanwhile.length < MEANWHILE_MAX) this.#meanwhile.push(...queue);
    else if (this.#reading) this.#again = true;
    this.#apply(queue);
  }

  #apply(lines: readonly LiveLine[]): void {
    // Before the first answer, and after the last of another ask, there is nothing to lay them over.
    if (lines.length === 0 || this.data.loadedFor !== this.name) return;
    const { axis, range, buckets, keys } = this.ask;
    const byID = new Map<string, LiveLine[]>();
    for (const line of lines) {
      const id = seriesID(line.run_id, line.key);
      if (keys.includes(line.key) && this.ask.live.has(line.run_id)) byID.set(id, [...(byID.get(id) ?? []), line]);
    }
    const next = new Map(this.data.series);
    for (const [id, own] of byID) {
      const first = own[0] as LiveLine;
      const before = next.get(id) ?? emptySeries(first.run_id, first.key, this.ask.live.get(first.run_id) ?? 0);
      const { series, again } = mergeLive(before, own, axis, range, buckets * GROWTH);
      next.set(id, series);
      if (again) this.#readSoon(AGAIN_MS);
    }
    this.data.series = next;
  }

  #readSoon(ms: number): void {
    this.#later ??= setTimeout(() => {
      this.#later = undefined;
      this.read();
    }, ms);
  }
}
