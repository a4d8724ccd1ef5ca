// The server's counts put into the words of the foot. Pure.

import type { ServerCounts } from "./api";
import { count } from "./format";

/** Counts with the time they were read at. */
export interface Reading {
  readonly at: number;
  readonly counts: ServerCounts;
}

/** How long points may wait before the foot says that the server is behind. */
const BEHIND_MS = 10_000;

/**
 * What flows, whether anything is behind, and how much there is. The readings are the newest ones, oldest first;
 * the flow is between the first and the last of them.
 */
export function describe(readings: readonly Reading[], trouble: string | null): string[] {
  const first = readings[0];
  const last = readings.at(-1);
  if (!first || !last) return [trouble ?? "asking the server"];
  const seconds = (last.at - first.at) / 1000;
  const flow = seconds > 0 ? Math.max(0, last.counts.points - first.counts.points) / seconds : 0;
  const behind = last.at - first.at >= BEHIND_MS && readings.every((r) => r.counts.points_waiting > flow * (BEHIND_MS / 1000));
  return [
    trouble ?? (behind && last.counts.points_waiting > 0 ? "ClickHouse is behind" : "all parts well"),
    ...(flow >= 1 ? [`${count(flow)} points/s`] : []),
    ...(last.counts.points_waiting > 0 ? [`${count(last.counts.points_waiting)} on their way`] : []),
    `${count(last.counts.points)} points`,
    `${count(last.counts.runs)} ${last.counts.runs === 1 ? "run" : "runs"}`,
  ];
}
