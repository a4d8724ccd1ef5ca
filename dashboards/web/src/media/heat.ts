// Histograms of many steps as one heat map. Pure.

import type { Histogram } from "./logged";

export interface Stepped {
  readonly step: number;
  readonly histogram: Histogram;
}

export interface HistogramHeat {
  readonly steps: readonly number[];
  /** Of the rows, least first: one more than rows. */
  readonly edges: readonly number[];
  /** Column, row, and which part of the step's numbers lies there, 0 to 1. */
  readonly cells: readonly (readonly [number, number, number])[];
  readonly greatest: number;
}

/** Lays histograms on common rows: a bin is shared out among the rows that it covers, by width. */
export function histogramHeat(histograms: readonly Stepped[], rows: number, range: readonly [number, number] | null = rangeOfAll(histograms)): HistogramHeat {
  if (range === null) return { steps: [], edges: [], cells: [], greatest: 0 };
  const [least, greatest] = range;
  const height = (greatest - least) / rows;
  const cells: [number, number, number][] = [];
  histograms.forEach(({ histogram }, column) => {
    const shares = sharesOf(histogram, least, height, rows);
    shares.forEach((share, row) => share > 0 && cells.push([column, row, share]));
  });
  return {
    steps: histograms.map((h) => h.step),
    edges: Array.from({ length: rows + 1 }, (_, i) => least + i * height),
    cells,
    greatest: cells.reduce((most, [, , share]) => Math.max(most, share), 0),
  };
}

/** From the least to the greatest edge of all; null without bins. */
export function rangeOfAll(histograms: readonly Stepped[]): readonly [number, number] | null {
  let [least, greatest] = [Infinity, -Infinity];
  for (const { histogram: { edges } } of histograms) {
    if (edges.length < 2) continue;
    least = Math.min(least, edges[0] as number);
    greatest = Math.max(greatest, edges[edges.length - 1] as number);
  }
  return greatest > least ? [least, greatest] : null;
}

function sharesOf({ edges, counts }: Histogram, least: number, height: number, rows: number): number[] {
  const shares = new Array<number>(rows).fill(0);
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total <= 0) return shares;
  counts.forEach((count, i) => {
    if (count <= 0) return;
    const [from, to] = [edges[i] as number, edges[i + 1] as number];
    const first = within((from - least) / height, rows);
    const last = within((to - least) / height - 1e-9, rows);
    for (let row = first; row <= last; row++) {
      const [low, high] = [least + row * height, least + (row + 1) * height];
      const part = to > from ? Math.max(0, Math.min(to, high) - Math.max(from, low)) / (to - from) : 1;
      shares[row] = (shares[row] as number) + (count / total) * part;
    }
  });
  return shares;
}

const within = (row: number, rows: number) => Math.min(Math.max(Math.floor(row), 0), rows - 1);

/** Below which a part of the numbers lies, evenly within a bin; null without numbers. */
export function quantile({ edges, counts }: Histogram, part: number): number | null {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total <= 0) return null;
  let left = part * total;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number;
    const [from, to] = [edges[i] as number, edges[i + 1] as number];
    if (count > 0 && left <= count) return from + (to - from) * (left / count);
    left -= count;
  }
  return edges[edges.length - 1] ?? null;
}
