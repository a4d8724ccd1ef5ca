// The loaded rows of a search: page after page, and kept fresh while a run goes on. The last answer stays on
// screen while the next one is on its way, and when it is an error.

import { ApiError, searchRuns, type Run, type RunSearch } from "./api";

const PAGE_ROWS = 100;

export type Query = Pick<RunSearch, "experiment" | "filter" | "orderBy">;

export class RunList {
  rows: readonly Run[] = $state.raw([]);
  next: string | null = $state(null);
  /** No answer for the present search yet. */
  loading = $state(true);
  error: ApiError | null = $state.raw(null);

  #query: Query | null = null;
  #abort = new AbortController();
  #loadingMore = false;

  /** Starts a search; a search under way is dropped. */
  async search(query: Query): Promise<void> {
    if (this.#query?.experiment !== query.experiment) this.rows = [];
    this.#query = query;
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#loadingMore = false;
    this.loading = true;
    await this.#ask(null, (rows) => rows);
    this.loading = false;
  }

  /** Loads the next page, if there is one. */
  async more(): Promise<void> {
    if (this.next === null || this.loading || this.#loadingMore) return;
    this.#loadingMore = true;
    await this.#ask(this.next, (rows) => merge(this.rows, rows));
    this.#loadingMore = false;
  }

  /** Reads the first page again: new runs come on top, known ones are brought up to date. */
  async refresh(): Promise<void> {
    if (this.loading || this.#loadingMore) return;
    const { next } = this;
    const many = this.rows.length > PAGE_ROWS;
    await this.#ask(null, (rows) => (many ? merge(rows, this.rows) : rows));
    // Further pages are loaded already: the token stays where they ended.
    if (many) this.next = next;
  }

  stop(): void {
    this.#abort.abort();
  }

  async #ask(token: string | null, take: (rows: readonly Run[]) => readonly Run[]): Promise<void> {
    const { signal } = this.#abort;
    if (!this.#query) return;
    try {
      const page = await searchRuns({ ...this.#query, max: PAGE_ROWS, token }, signal);
      if (signal.aborted) return;
      this.rows = take(page.items);
      this.next = page.next;
      this.error = null;
    } catch (error) {
      if (signal.aborted) return;
      this.error = error instanceof ApiError ? error : new ApiError(0, "BUG", String(error));
    }
  }
}

/** Rows of both in order, each run once and by its first appearance: pages may overlap when runs come in between. */
export function merge(first: readonly Run[], then: readonly Run[]): readonly Run[] {
  const seen = new Set(first.map((r) => r.id));
  return [...first, ...then.filter((r) => !seen.has(r.id))];
}
