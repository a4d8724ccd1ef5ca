// Which stage each version of a model was in, and when: the bands of the time line.

import type { Stage, Transition, Version } from "../registered";

export interface Band {
  readonly stage: Stage;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
}

/** The bands of one version, the oldest first; changes in any order, of any version. */
export function bandsOf(version: Version, changes: readonly Transition[], now: number): readonly Band[] {
  const own = changes.filter((c) => c.version === version.number).sort((a, b) => a.time - b.time);
  const bands: Band[] = [];
  let stage: Stage = own[0]?.from ?? version.stage;
  let from = version.created;
  for (const change of own) {
    const at = Math.max(change.time, from);
    if (at > from) bands.push({ stage, from, to: at });
    stage = change.to;
    from = at;
  }
  // The version's own word is newer than the list, which may have been read before it.
  bands.push({ stage: version.stage, from, to: Math.max(now, from) });
  return bands;
}
