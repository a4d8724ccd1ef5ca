// All runs of a filter, as far as pictures of many runs go.

import { ApiError, searchRuns, type Run, type RunFinder } from "../api";
import { orderBy } from "../columns";

/** What one request of the server answers; more points in a picture hide each other. */
const RUNS_MAX = 1000;
const POLL_MS = 10_000;

type Among = Omit<RunFinder, "deleted">;

export class ManyRuns {
  rows: readonly Run[] = $state.raw([]);
  /** The filter finds more than these, the newest. */
  more = $state(false);
  loading = $state(true);
  error: ApiError | null = $state.raw(null);

  watch(of: Among): () => void {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = async () => {
      if (!document.hidden) await this.#read(of, abort.signal);
      if (!abort.signal.aborted) timer = setTimeout(() => void turn(), POLL_MS);
    };
    this.loading = true;
    void turn();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }

  async #read(of: Among, signal: AbortSignal): Promise<void> {
    try {
      const page = await searchRuns({ ...of, orderBy: orderBy(null), max: RUNS_MAX, token: null }, signal);
      if (signal.aborted) return;
      if (key(page.items) !== key(this.rows)) this.rows = page.items;
      this.more = page.next !== null;
      this.error = null;
    } catch (cause) {
      if (signal.aborted) return;
      this.error = cause instanceof ApiError ? cause : new ApiError(0, "BUG", String(cause));
    }
    this.loading = false;
  }
}

/** Pictures are drawn anew only for other values. */
function key(runs: readonly Run[]): string {
  return JSON.stringify(runs.map((r) => [r.id, [...r.params], [...r.metrics].map(([name, m]) => [name, m.value])]));
}
