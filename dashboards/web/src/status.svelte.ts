// What the foot says: how much flows now, and whether anything is behind.

import { ApiError, getHealth, getStatus } from "./api";
import { describe, type Reading } from "./status";

const POLL_MS = 3000;
/** The page itself is read first: counting all that there is takes processors that it needs. */
const FIRST_MS = 1000;
/** The flow is measured over so many readings. */
const READINGS = 5;

class Status {
  trouble: string | null = $state(null);
  words: readonly string[] = $state.raw(describe([], null));

  #readings: readonly Reading[] = [];

  /** Asks again and again; what it gives back ends it. */
  watch(): () => void {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const turn = async () => {
      if (!document.hidden) await this.#ask(abort.signal);
      if (!abort.signal.aborted) timer = setTimeout(turn, POLL_MS);
    };
    timer = setTimeout(turn, FIRST_MS);
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }

  async #ask(signal: AbortSignal): Promise<void> {
    try {
      this.trouble = await getHealth(signal);
      const counts = await getStatus(signal);
      this.#readings = [...this.#readings, { at: Date.now(), counts }].slice(-READINGS);
    } catch (error) {
      if (signal.aborted) return;
      const silent = error instanceof ApiError && error.status === 0;
      this.trouble = silent ? `no answer from ${location.host}` : (this.trouble ?? String(error));
      if (silent) this.#readings = [];
    }
    this.words = describe(this.#readings, this.trouble);
  }
}

export const status = new Status();
