// A run for the tests of pure code.

import type { Run } from "../api";

export function runOf(id: string, more: Partial<Record<"params" | "tags", Record<string, string>>> & { metrics?: Record<string, number>; running?: boolean } = {}): Run {
  return {
    ...{ id, name: id, experiment: "1", user: "", start: 0, end: null, deleted: false, artifactURI: "", datasets: [], models: [] },
    status: more.running ? "RUNNING" : "FINISHED",
    params: new Map(Object.entries(more.params ?? {})),
    tags: new Map(Object.entries(more.tags ?? {})),
    metrics: new Map(Object.entries(more.metrics ?? {}).map(([key, value]) => [key, { value, step: 0, time: 0 }])),
  };
}
