// The experiments of the server, newest activity first.

import { ApiError, searchExperiments, type Experiment } from "./api";

class Experiments {
  all: readonly Experiment[] = $state.raw([]);
  loading = $state(true);
  /** The experiment that the page is about. */
  current: string | null = $state(null);
  error: ApiError | null = $state.raw(null);

  async load(): Promise<void> {
    try {
      this.all = await searchExperiments();
      this.error = null;
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError(0, "BUG", String(error));
    }
    this.loading = false;
  }

  /** The experiment with an id; with none, the one that changed last. */
  pick(id: string | null): Experiment | null {
    if (id !== null) return this.all.find((e) => e.id === id) ?? null;
    return this.all[0] ?? null;
  }
}

export const experiments = new Experiments();
