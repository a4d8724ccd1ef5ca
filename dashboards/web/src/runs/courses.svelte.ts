// Courses of metrics for the cells of the table, read for the rows that are in sight.

import { readSeries, type Run } from "../api";
import { courseOf, SPARK_ROWS, type Course } from "./sparks";

/** Runs of one request, and courses that are kept. */
const RUNS_MAX = 200;
const KEPT_MAX = 20_000;
/** The course of a run that goes on is not read more often. */
const AGAIN_MS = 4000;

interface Kept {
  /** Which latest value it goes with. */
  readonly state: string;
  readonly at: number;
  readonly course: Course | null;
}

const idOf = (run: string, key: string) => `${run}\n${key}`;
const stateOf = (run: Run, key: string) => `${run.metrics.get(key)?.step} ${run.metrics.get(key)?.value}`;

export class Courses {
  #kept: Map<string, Kept> = $state.raw(new Map());
  #reading = false;
  #stopped = false;

  get(run: string, key: string): Course | null {
    return this.#kept.get(idOf(run, key))?.course ?? null;
  }

  /** Reads what is not there or not fresh; a further call while it reads comes to nothing, the caller asks again. */
  async want(runs: readonly Run[], keys: readonly string[]): Promise<void> {
    if (this.#reading || this.#stopped || keys.length === 0) return;
    const now = Date.now();
    const stale = (run: Run, key: string) => {
      const kept = this.#kept.get(idOf(run.id, key));
      return run.metrics.has(key) && (!kept || (kept.state !== stateOf(run, key) && now - kept.at > AGAIN_MS));
    };
    const asked = runs.filter((run) => keys.some((key) => stale(run, key))).slice(0, RUNS_MAX);
    if (asked.length === 0) return;
    this.#reading = true;
    try {
      const series = await readSeries({ runs: asked.map((r) => r.id), keys, axis: "step", range: null, buckets: SPARK_ROWS });
      const read = new Map(series.map((s) => [idOf(s.run, s.key), courseOf(s)]));
      const kept = this.#kept.size > KEPT_MAX ? new Map<string, Kept>() : new Map(this.#kept);
      for (const run of asked) for (const key of keys) kept.set(idOf(run.id, key), { state: stateOf(run, key), at: now, course: read.get(idOf(run.id, key)) ?? null });
      this.#kept = kept;
    } catch {
      // The cell stays as it is; the next look at it asks again.
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
    this.#reading = false;
  }

  /** Reads the courses of many runs, as for a file, and keeps them whatever they are. */
  async all(runs: readonly Run[], keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const kept = new Map(this.#kept);
    for (let from = 0; from < runs.length; from += RUNS_MAX) {
      const some = runs.slice(from, from + RUNS_MAX);
      const series = await readSeries({ runs: some.map((r) => r.id), keys, axis: "step", range: null, buckets: SPARK_ROWS });
      const byID = new Map(some.map((r) => [r.id, r]));
      for (const s of series) kept.set(idOf(s.run, s.key), { state: stateOf(byID.get(s.run) as Run, s.key), at: Date.now(), course: courseOf(s) });
    }
    this.#kept = kept;
  }

  stop(): void {
    this.#stopped = true;
  }
}
