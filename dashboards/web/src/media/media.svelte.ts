// The keys of what runs log beside numbers: new ones come as they are logged.

import { ApiError, listArtifacts, valueKeys, type Run } from "../api";
import { mlflowImages, type LoggedKey } from "./logged";

/** So many keys of a run are held, and so many steps of each: together what the server tells at once. */
const KEYS_MAX = 100;
const STEPS_MAX = 1000;
const POLL_MS = 5000;
/** The tag of a run that MLflow's client has logged images for. */
const LOGGED_IMAGES = "mlflow.loggedImages";

export class MediaKeys {
  /** By run, then by key. */
  runs: ReadonlyMap<string, ReadonlyMap<string, LoggedKey>> = $state.raw(new Map());
  more = $state(false);
  loading = $state(true);
  error: ApiError | null = $state.raw(null);

  /** Reads the keys of runs, those of running ones again and again, until the answer is called. */
  watch(runs: readonly Run[]): () => void {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    this.loading = true;
    const turn = async (of: readonly Run[]) => {
      if (!document.hidden) await this.#read(runs, of, abort.signal);
      const again = this.error ? runs : runs.filter((r) => r.status === "RUNNING");
      if (!abort.signal.aborted && again.length > 0) timer = setTimeout(() => void turn(again), POLL_MS);
    };
    void turn(runs);
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }

  async #read(runs: readonly Run[], of: readonly Run[], signal: AbortSignal): Promise<void> {
    try {
      const answers = await Promise.all(of.map(async (run) => [run.id, await keysOf(run, signal)] as const));
      if (signal.aborted) return;
      const wanted = new Set(runs.map((r) => r.id));
      const known = [...this.runs].filter(([id]) => wanted.has(id));
      this.runs = new Map([...known, ...answers.map(([id, { keys }]) => [id, new Map(keys.map((k) => [k.key, k]))] as const)]);
      this.more = answers.some(([, { more }]) => more);
      this.error = null;
    } catch (cause) {
      if (signal.aborted) return;
      this.error = cause instanceof ApiError ? cause : new ApiError(0, "BUG", String(cause));
    }
    this.loading = false;
  }
}

async function keysOf(run: Run, signal: AbortSignal): Promise<{ keys: readonly LoggedKey[]; more: boolean }> {
  const [values, files] = await Promise.all([
    valueKeys(run.id, KEYS_MAX, STEPS_MAX, signal),
    run.tags.has(LOGGED_IMAGES) ? listArtifacts({ kind: "run", id: run.id }, "images", signal) : [],
  ]);
  return { keys: [...values.items, ...mlflowImages(files.map((f) => f.path))], more: values.next !== null };
}
