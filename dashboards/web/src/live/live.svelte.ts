// Live points, as a page sees them: charts subscribe here, and the hub (hub.ts) holds the one connection of all pages.

import { Hub, type Connection, type ToHub, type ToPage, type Want } from "./hub";
import type { LiveLine } from "./merge";
import { browserWorld } from "./stream";

export interface Listener {
  /** Points come from now on; what was before must be read. */
  active(): void;
  points(lines: readonly LiveLine[]): void;
  /** Points were left out: read again. */
  reset(): void;
}

interface Subscription {
  readonly runs: readonly string[];
  readonly keys: readonly string[];
  readonly listener: Listener;
  version: number;
  active: boolean;
}

const ALIVE_MS = 45_000;
/** A page that nobody has looked at for so long gives its points up until it is seen again. */
const HIDDEN_MS = 60_000;
/** A stream that its server ended comes back within a second; only what lasts is told. */
const TOLD_AFTER_MS = 2000;
/** A point that is older was not late, but logged with a time of its own. */
const DELAY_MAX_MS = 60_000;

class Live {
  connection: Connection = $state("connecting");
  /** Lost for longer than a server takes to hand over. */
  lost = $state(false);
  /** What the server said against a subscription. */
  refused: string | null = $state(null);
  /** Curves that are not live because there are too many. */
  leftOut = $state(0);
  /** Milliseconds between a point's own time and its arrival here, of the newest one. */
  delay: number | null = $state(null);

  readonly #subscriptions = new Set<Subscription>();
  #version = 0;
  #sending = false;
  #hidden = false;
  #say: ((message: ToHub) => void) | null = null;
  #telling: ReturnType<typeof setTimeout> | undefined;

  /** Begins to bring points of these metrics; what it answers ends that. */
  subscribe(runs: readonly string[], keys: readonly string[], listener: Listener): () => void {
    const subscription: Subscription = { runs, keys, listener, version: Infinity, active: false };
    this.#subscriptions.add(subscription);
    this.#send();
    return () => {
      if (this.#subscriptions.delete(subscription)) this.#send();
    };
  }

  #send(): void {
    if (this.#sending) return;
    this.#sending = true;
    queueMicrotask(() => {
      this.#sending = false;
      this.#version++;
      for (const s of this.#subscriptions) if (s.version === Infinity) s.version = this.#version;
      this.#say ??= this.#connect();
      this.#say({ kind: "want", version: this.#version, want: this.#hidden ? [] : wantOf(this.#subscriptions) });
    });
  }

  #connect(): (message: ToHub) => void {
    const say = join((message) => this.#hear(message));
    setInterval(() => say({ kind: "alive" }), ALIVE_MS);
    addEventListener("pagehide", () => say({ kind: "bye" }));
    // Out of the cache of pages: as after a long time in the background.
    addEventListener("pageshow", (e) => e.persisted && this.#again());
    let timer: ReturnType<typeof setTimeout> | undefined;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(timer);
      if (!document.hidden && this.#hidden) this.#again();
      else if (document.hidden) timer = setTimeout(() => ((this.#hidden = true), this.#send()), HIDDEN_MS);
    });
    return say;
  }

  #again(): void {
    this.#hidden = false;
    for (const s of this.#subscriptions) {
      s.version = Infinity;
      s.active = false;
    }
    this.#send();
  }

  #hear(message: ToPage): void {
    switch (message.kind) {
      case "connection":
        this.#show(message.connection);
        this.refused = message.refused;
        this.leftOut = message.leftOut;
        break;
      case "active":
        for (const s of this.#subscriptions) {
          if (s.version > message.version || (s.active && !message.fresh)) continue;
          s.active = true;
          s.listener.active();
        }
        break;
      case "reset":
        for (const s of this.#subscriptions) s.listener.reset();
        break;
      case "points":
        this.#hand(message.lines);
    }
  }

  #show(connection: Connection): void {
    this.connection = connection;
    clearTimeout(this.#telling);
    if (connection === "lost") this.#telling = setTimeout(() => (this.lost = true), TOLD_AFTER_MS);
    else this.lost = false;
  }

  #hand(lines: readonly LiveLine[]): void {
    const newest = Math.max(...lines.map((l) => l.time[l.time.length - 1] ?? 0));
    const delay = Date.now() - newest;
    if (delay < DELAY_MAX_MS) this.delay = Math.max(0, delay);
    for (const s of this.#subscriptions) {
      const own = lines.filter((l) => s.keys.includes(l.key) && s.runs.includes(l.run_id));
      if (own.length > 0) s.listener.points(own);
    }
  }
}

function wantOf(subscriptions: Iterable<Subscription>): Want {
  const keys = new Map<string, Set<string>>();
  for (const s of subscriptions) {
    for (const run of s.runs) {
      const known = keys.get(run) ?? new Set();
      keys.set(run, known);
      for (const key of s.keys) known.add(key);
    }
  }
  return [...keys].map(([run, some]) => [run, [...some]] as const);
}

/** Speaks to the hub of all pages in a shared worker; a browser without them has one in each page. */
function join(hear: (message: ToPage) => void): (message: ToHub) => void {
  const base = new URL(".", location.href.replace(/#.*/, "")).href;
  if (typeof SharedWorker === "undefined") return new Hub(browserWorld(base)).join(hear);
  const { port } = new SharedWorker(new URL("./worker.ts", import.meta.url), { type: "module", name: `streamgauge live ${base}` });
  port.onmessage = (said: MessageEvent<ToPage>) => hear(said.data);
  return (message) => port.postMessage(message);
}

export const live = new Live();
