// How wide the columns of an answer are. They are measured once, from rows of all of it: were they left to the rows in
// sight, they would jump while one scrolls.

import { cellText, type Result } from "./ask";

const ROWS_MEASURED = 500;
const [LEAST_CH, MOST_CH] = [4, 48];

/** The width of each column in characters of the monospaced type. What is longer is cut, and whole on hover. */
export function widths({ columns, rows }: Result): number[] {
  const most = columns.map((c) => c.name.length);
  const every = Math.max(Math.floor(rows.length / ROWS_MEASURED), 1);
  rows.forEach((row, at) => {
    // The last, too: counts grow.
    if (at % every === 0 || at === rows.length - 1) row.forEach((cell, i) => (most[i] = Math.max(most[i] ?? 0, cellText(cell).length)));
  });
  return most.map((n) => Math.min(Math.max(n, LEAST_CH), MOST_CH));
}
