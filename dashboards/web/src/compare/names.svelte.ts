// The names of metrics that runs have: new ones come as they are logged.

import { ApiError, metricNames, type Run } from "../api";
import { parsePattern, type NameQuery, type Pattern } from "./pattern";

/** So many names of a run are held; where it has more, a pattern is the server's to find. */
const NAMES_MAX = 1000;
/** A browser opens six connections: the first charts are read while the names of further runs are. */
const AT_ONCE = 3;
const POLL_MS = 4000;

interface Names {
  readonly keys: readonly string[];
  readonly complete: boolean;
}

export class MetricNames {
  /** Those that the pattern finds, of all runs. */
  found: readonly string[] = $state.raw([]);
  /** The names of all runs that are loaded, whatever the pattern says. */
  all: readonly string[] = $state.raw([]);
  /** There are more than are shown. */
  more = $state(false);
  loading = $state(true);
  error: string | null = $state(null);

  /** By run, without a pattern. */
  readonly #known = new Map<string, Names>();

  /** Takes the names of runs that were found with all their metrics; those of many are read as they are searched for. */
  learn(runs: Iterable<Pick<Run, "id" | "metrics" | "moreMetrics">>): void {
    for (const { id, metrics, moreMetrics } of runs) {
      if (!moreMetrics && !this.#known.has(id) && metrics.size < NAMES_MAX) this.#known.set(id, { keys: [...metrics.keys()].sort(), complete: true });
    }
  }

  /** Reads the names of runs, those of running ones again and again, until the answer is called. */
  watch(runs: readonly string[], running: () => readonly string[], text: string): () => void {
    const abort = new AbortController();
    const pattern = parsePattern(text) ?? { query: {}, matches: () => false };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const going = () => running().filter((run) => runs.includes(run));
    const turn = async (of: readonly string[]) => {
      if (of.length > 0 || this.loading) await this.#read(runs, of, pattern, abort.signal);
      // What could not be read is asked for again.
      const again = () => [...new Set([...going(), ...runs.filter((run) => !this.#known.has(run))])];
      if (!abort.signal.aborted) timer = setTimeout(() => void turn(document.hidden ? [] : again()), POLL_MS);
    };
    this.loading = true;
    const known = going();
    void turn(runs.filter((run) => !this.#known.has(run) || known.includes(run)));
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }

  async #read(runs: readonly string[], of: readonly string[], pattern: Pattern, signal: AbortSignal): Promise<void> {
    this.#show(runs, new Map(), pattern);
    try {
      await this.#ask(of, {}, signal, (run, names) => {
        this.#known.set(run, names);
        // Runs that are compared have mostly the same metrics: nobody waits for the last answer.
        if (Object.keys(pattern.query).length === 0) this.#show(runs, new Map(), pattern);
      });
      const searched = Object.keys(pattern.query).length > 0;
      const large = searched ? runs.filter((run) => this.#known.get(run)?.complete === false) : [];
      const found = new Map<string, Names>();
      await this.#ask(large, pattern.query, signal, (run, names) => found.set(run, names));
      if (signal.aborted) return;
      this.#show(runs, found, pattern);
      this.error = null;
    } catch (cause) {
      if (signal.aborted) return;
      this.error = cause instanceof Error ? cause.message : String(cause);
    }
    this.loading = false;
  }

  async #ask(runs: readonly string[], query: NameQuery, signal: AbortSignal, take: (run: string, names: Names) => void): Promise<void> {
    const waiting = [...runs];
    const worker = async () => {
      for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
        const page = await metricNames(run, query, NAMES_MAX, null, signal).catch((cause: unknown) => {
          // An address may name runs that are gone, and they are asked for before anyone knows.
          if (cause instanceof ApiError && cause.status === 404) return { items: [], next: null };
          throw cause;
        });
        if (signal.aborted) return;
        take(run, { keys: page.items, complete: page.next === null });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  /** `found` has the answers of the server for runs whose names are not all known. */
  #show(runs: readonly string[], found: ReadonlyMap<string, Names>, pattern: Pattern): void {
    const all = new Set<string>();
    const matching = new Set<string>();
    let more = false;
    for (const run of runs) {
      const known = this.#known.get(run);
      const answer = found.get(run) ?? known;
      for (const key of known?.keys ?? []) all.add(key);
      for (const key of answer?.keys ?? []) if (pattern.matches(key)) matching.add(key);
      more ||= answer?.complete === false;
    }
    this.all = same(this.all, all);
    this.found = same(this.found, matching);
    this.more = more;
  }
}

/** The old list if the new one says the same: nothing is drawn anew. */
function same(old: readonly string[], now: ReadonlySet<string>): readonly string[] {
  return old.length === now.size && old.every((key) => now.has(key)) ? old : [...now];
}
