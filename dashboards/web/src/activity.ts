// Which experiment is the one that somebody works with. Pure.

import type { Experiment } from "./api";

/**
 * Experiments by their last activity: a run that began counts, which MLflow's time of the last update leaves out.
 * `newest` is the newest run of all.
 */
export function byActivity(
  experiments: readonly Experiment[],
  newest: { readonly experiment: string; readonly start: number } | null,
): readonly Experiment[] {
  if (newest === null) return experiments;
  const at = experiments.findIndex((e) => e.id === newest.experiment);
  const active = experiments[at];
  if (active === undefined) return experiments;
  const moved = { ...active, updated: Math.max(active.updated, newest.start) };
  // A run may be logged with a time of its own, long ago: then experiments that changed since stay before it.
  return [...experiments.slice(0, at), moved, ...experiments.slice(at + 1)].sort((a, b) => b.updated - a.updated);
}
