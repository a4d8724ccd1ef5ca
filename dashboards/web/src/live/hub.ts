// One stream of live points for all pages of a browser. The hub runs in a shared worker (worker.ts), or in the page where
// there is none. It holds the connection, sends the server what all pages together want, and hands out what comes.
// Pages follow the protocol below; docs/series.md has the server's.

import type { LiveLine } from "./merge";

/** By run, the metrics that are wanted live. */
export type Want = readonly (readonly [run: string, keys: readonly string[]])[];

/** What a page says. */
export type ToHub =
  | { readonly kind: "want"; readonly version: number; readonly want: Want }
  | { readonly kind: "alive" }
  | { readonly kind: "bye" };

export type Connection = "connecting" | "open" | "lost";

/** What a page hears. */
export type ToPage =
  | { readonly kind: "connection"; readonly connection: Connection; readonly refused: string | null; readonly leftOut: number }
  /**
   * From now on points of what was wanted in this version come: whoever reads now has no gap. `fresh`: on another
   * stream than before, so what came over the old one has ended.
   */
  | { readonly kind: "active"; readonly version: number; readonly fresh: boolean }
  | { readonly kind: "points"; readonly lines: readonly LiveLine[] }
  /** Points were left out: read again. */
  | { readonly kind: "reset" };

/** The world outside: the stream, the requests and the clock. */
export interface World {
  /** Opens the stream; the answer closes it. */
  open(on: StreamEvents): () => void;
  /** Sets what the stream brings. */
  subscribe(stream: string, want: Want): Promise<Refusal | null>;
  after(ms: number, then: () => void): () => void;
}

export interface StreamEvents {
  hello(stream: string, resumed: boolean): void;
  points(lines: readonly LiveLine[]): void;
  reset(): void;
  /** The connection broke; `ended` if it does not come back by itself. */
  broken(ended: boolean): void;
}

/** `stream`: the server does not know the stream any more. */
export interface Refusal {
  readonly reason: "stream" | "no answer" | "refused";
  readonly message: string;
}

/** Pairs of run and metric that a server takes of one stream. */
export const PAIRS_MAX = 2000;
/** What pages want within so long goes in one request. */
const GATHER_MS = 20;
const RETRY_MS = [500, 1000, 2000, 5000] as const;
/** A page that says nothing for so long is gone; timers of hidden pages may come once a minute. */
const SILENT_MS = 180_000;

interface Page {
  readonly send: (message: ToPage) => void;
  want: Want;
  version: number;
  active: number;
  fresh: boolean;
  silence: () => void;
}

export class Hub {
  readonly #pages = new Set<Page>();
  #connection: Connection = "connecting";
  #refused: string | null = null;
  #leftOut = 0;
  #stream: string | null = null;
  #close: (() => void) | null = null;
  #gathering = false;
  #posting = false;
  #again = false;
  #failures = 0;

  constructor(private readonly world: World) {}

  /** Takes a page in; what it answers is to be called with what the page says. */
  join(send: (message: ToPage) => void): (message: ToHub) => void {
    const page: Page = { send, want: [], version: 0, active: 0, fresh: false, silence: () => {} };
    this.#pages.add(page);
    const listen = () => {
      page.silence();
      page.silence = this.world.after(SILENT_MS, () => this.#leave(page));
    };
    listen();
    send(this.#state());
    return (message) => {
      if (message.kind === "bye") return this.#leave(page);
      this.#pages.add(page);
      listen();
      if (message.kind !== "want") return;
      page.want = message.want;
      page.version = message.version;
      this.#gather();
    };
  }

  #leave(page: Page): void {
    page.silence();
    if (this.#pages.delete(page)) this.#gather();
  }

  #state(): ToPage {
    return { kind: "connection", connection: this.#connection, refused: this.#refused, leftOut: this.#leftOut };
  }

  #tell(message: ToPage): void {
    for (const page of this.#pages) page.send(message);
  }

  #show(connection: Connection, refused: string | null, leftOut = this.#leftOut): void {
    if (connection === this.#connection && refused === this.#refused && leftOut === this.#leftOut) return;
    this.#connection = connection;
    this.#refused = refused;
    this.#leftOut = leftOut;
    this.#tell(this.#state());
  }

  /** The stream is open as long as anyone wants something. */
  #gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.world.after(GATHER_MS, () => {
      this.#gathering = false;
      const wanted = [...this.#pages].some((p) => p.want.length > 0);
      if (!wanted) {
        this.#close?.();
        this.#close = this.#stream = null;
        this.#activate(new Map([...this.#pages].map((p) => [p, p.version])));
      } else if (this.#close === null) this.#open();
      else void this.#post();
    });
  }

  #open(): void {
    this.#close = this.world.open({
      hello: (stream, resumed) => {
        const known = resumed && this.#stream === stream;
        this.#stream = stream;
        this.#show("open", this.#refused);
        if (!known) for (const page of this.#pages) page.fresh = true;
        void this.#post();
      },
      points: (lines) => this.#hand(lines),
      reset: () => this.#tell({ kind: "reset" }),
      broken: (ended) => {
        this.#show("lost", this.#refused);
        if (ended) this.#reopen();
      },
    });
  }

  #reopen(): void {
    this.#close?.();
    this.#close = this.#stream = null;
    const wait = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)] ?? 0;
    this.world.after(wait, () => {
      if (this.#close === null) this.#gather();
    });
  }

  /** One request at a time; what is wanted meanwhile goes in the next. */
  async #post(): Promise<void> {
    if (this.#stream === null) return;
    if (this.#posting) {
      this.#again = true;
      return;
    }
    this.#posting = true;
    const stream = this.#stream;
    const versions = new Map([...this.#pages].map((p) => [p, p.version]));
    const { want, leftOut } = union([...this.#pages].map((p) => p.want));
    const refusal = await this.world.subscribe(stream, want);
    this.#posting = false;
    if (stream === this.#stream) this.#posted(refusal, versions, leftOut);
    if (this.#again) {
      this.#again = false;
      void this.#post();
    }
  }

  #posted(refusal: Refusal | null, versions: ReadonlyMap<Page, number>, leftOut: number): void {
    if (refusal === null) {
      this.#failures = 0;
      this.#show("open", null, leftOut);
      this.#activate(versions);
    } else if (refusal.reason === "refused") {
      this.#show("open", refusal.message);
    } else {
      this.#show("lost", null);
      this.#reopen();
    }
  }

  #activate(versions: ReadonlyMap<Page, number>): void {
    for (const [page, version] of versions) {
      if (page.active >= version && !page.fresh) continue;
      page.active = version;
      page.send({ kind: "active", version, fresh: page.fresh });
      page.fresh = false;
    }
  }

  #hand(lines: readonly LiveLine[]): void {
    for (const page of this.#pages) {
      const keys = new Map(page.want);
      const own = lines.filter((l) => keys.get(l.run_id)?.includes(l.key));
      if (own.length > 0) page.send({ kind: "points", lines: own });
    }
  }
}

/** All that pages want, each pair once; what a server would not take is left out and counted. */
export function union(wants: readonly Want[]): { readonly want: Want; readonly leftOut: number } {
  const keys = new Map<string, Set<string>>();
  for (const [run, some] of wants.flat()) {
    const known = keys.get(run) ?? new Set();
    keys.set(run, known);
    for (const key of some) known.add(key);
  }
  let room = PAIRS_MAX;
  let leftOut = 0;
  const want: (readonly [string, readonly string[]])[] = [];
  for (const [run, all] of keys) {
    const taken = [...all].slice(0, room);
    room -= taken.length;
    leftOut += all.size - taken.length;
    if (taken.length > 0) want.push([run, taken]);
  }
  return { want, leftOut };
}
