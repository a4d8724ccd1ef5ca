// The loaded rows of a search: page after page, and kept fresh while a run goes on. The last answer stays on
// screen while the next one is on its way, and when it is an error.

import { ApiError, groupRuns, searchRuns, silentRuns, type Run, type RunSearch } from "./api";

const PAGE_ROWS = 100;
/** Who scrolls on gets larger pages: 100,000 rows are not a thousand requests. */
const LATER_ROWS = 500;
/** As many metrics as the server takes by name. */
const METRICS_MAX = 200;

export type Query = Pick<RunSearch, "experiment" | "others" | "deleted" | "filter" | "orderBy">;

export class RunList {
  rows: readonly Run[] = $state.raw([]);
  next: string | null = $state(null);
  /** Runs that the search finds; null: not counted yet. */
  total: number | null = $state(null);
  /** Runs that say they are running and are silent, with when they last gave a sign. */
  silent: ReadonlyMap<string, number> = $state.raw(new Map());
  /** No answer for the present search yet. */
  loading = $state(true);
  error: ApiError | null = $state.raw(null);

  #query: Query | null = null;
  #metrics: readonly string[] = [];
  #abort = new AbortController();
  #loadingMore = false;
  /** Changes that are shown and not yet answered, by run. */
  readonly #edits = new Map<string, (run: Run) => Run>();

  /** Starts a search; a search under way is dropped. */
  async search(query: Query): Promise<void> {
    if (this.#query?.experiment !== query.experiment) this.rows = [];
    this.#query = query;
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.#loadingMore = false;
    this.loading = true;
    this.total = null;
    await this.#ask(null, PAGE_ROWS, (rows) => rows);
    if (signal.aborted) return;
    this.loading = false;
    void this.#count();
  }

  /** Says which metrics are shown. Rows are asked for anew if one may have what was not wanted before. */
  want(metrics: readonly string[]): void {
    const added = metrics.filter((key) => !this.#metrics.includes(key));
    this.#metrics = metrics.slice(0, METRICS_MAX);
    if (this.#query && this.rows.some((r) => r.moreMetrics && added.some((key) => !r.metrics.has(key)))) void this.search(this.#query);
  }

  /** Loads the next page, if there is one. */
  async more(): Promise<void> {
    if (this.next === null || this.loading || this.#loadingMore) return;
    this.#loadingMore = true;
    await this.#ask(this.next, LATER_ROWS, (rows) => merge(this.rows, rows));
    this.#loadingMore = false;
  }

  /** Reads the first page again: new runs come on top, known ones are brought up to date. */
  async refresh(): Promise<void> {
    if (this.loading || this.#loadingMore) return;
    const { next } = this;
    const many = this.rows.length > PAGE_ROWS;
    const { signal } = this.#abort;
    await this.#ask(null, PAGE_ROWS, (rows) => (many ? merge(rows, this.rows) : rows));
    if (signal.aborted) return;
    // Further pages are loaded already: the token stays where they ended.
    if (many) this.next = next;
    void this.#count();
  }

  /** Shows a change of a run at once and sends it; a refused one is taken back, and thrown. */
  async edit(run: string, change: (run: Run) => Run, send: () => Promise<void>): Promise<void> {
    const before = this.rows.find((r) => r.id === run);
    this.#edits.set(run, change);
    this.rows = this.rows.map((r) => (r.id === run ? change(r) : r));
    try {
      await send();
    } catch (cause) {
      if (before) this.rows = this.rows.map((r) => (r.id === run ? before : r));
      throw cause;
    } finally {
      this.#edits.delete(run);
    }
  }

  stop(): void {
    this.#abort.abort();
  }

  async #ask(token: string | null, max: number, take: (rows: readonly Run[]) => readonly Run[]): Promise<void> {
    const { signal } = this.#abort;
    if (!this.#query) return;
    try {
      const page = await searchRuns({ ...this.#query, metrics: this.#metrics, max, token }, signal);
      if (signal.aborted) return;
      this.rows = take(page.items.map((r) => this.#edits.get(r.id)?.(r) ?? r));
      this.next = page.next;
      this.error = null;
    } catch (error) {
      if (signal.aborted) return;
      this.error = error instanceof ApiError ? error : new ApiError(0, "BUG", String(error));
    }
  }

  /** What the rows are good without, and do not wait behind: their number, and who of them is silent. */
  async #count(): Promise<void> {
    const { signal } = this.#abort;
    const query = this.#query;
    if (!query) return;
    const [total, silent] = await Promise.allSettled([groupRuns(query, null, [], signal), silentRuns(query, signal)]);
    if (signal.aborted) return;
    if (total.status === "fulfilled") this.total = total.value.runs;
    if (silent.status === "fulfilled") this.silent = silent.value;
  }
}

/** Rows of both in order, each run once and by its first appearance: pages may overlap when runs come in between. */
export function merge(first: readonly Run[], then: readonly Run[]): readonly Run[] {
  const seen = new Set(first.map((r) => r.id));
  return [...first, ...then.filter((r) => !seen.has(r.id))];
}
