// The experiments of the server, newest activity first.

import { byActivity } from "./activity";
import { ApiError, newestRun, searchExperiments, type Experiment } from "./api";

class Experiments {
  all: readonly Experiment[] = $state.raw([]);
  loading = $state(true);
  /** The experiment that the page is about. */
  current: string | null = $state(null);
  error: ApiError | null = $state.raw(null);

  /**
   * Of all runs, as the page was opened. It is not asked for again: a page without an experiment in its address must
   * not jump to another one because somebody starts a run there.
   */
  #newest: Awaited<ReturnType<typeof newestRun>> | undefined;

  async load(): Promise<void> {
    try {
      const all = await searchExperiments();
      this.#newest ??= await newestRun(all).catch(() => undefined); // the list is of use without it
      this.all = byActivity(all, this.#newest ?? null);
      this.error = null;
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError(0, "BUG", String(error));
    }
    this.loading = false;
  }

  /** The experiment with an id; with none, the one of the last activity. */
  pick(id: string | null): Experiment | null {
    if (id !== null) return this.all.find((e) => e.id === id) ?? null;
    return this.all[0] ?? null;
  }
}

export const experiments = new Experiments();
