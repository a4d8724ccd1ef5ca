// Which colour and dash a run's line has. The colours themselves are CSS variables (css/tokens.css).

/** How many colours there are; further runs repeat them with another dash. */
export const COLOURS = 10;

/** Dash patterns by how often the palette was used up; the last serves all further ones. */
const DASHES: readonly (readonly number[])[] = [[], [8, 4], [2, 3], [10, 3, 2, 3]];

/** The look of a line. */
export interface Stroke {
  /** Index of the CSS variable --series-N. */
  readonly colour: number;
  readonly dash: readonly number[];
}

/** FNV-1a over the id, modulo the palette: the colour a run has wherever no other visible run holds it. */
export function preferred(runID: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < runID.length; i++) {
    hash ^= runID.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return hash % COLOURS;
}

/**
 * Strokes for the runs that are visible together. A run whose colour is taken moves to the next free one; beyond
 * the palette colours repeat with a dash. The answer depends on the set of runs and not on their order, so a
 * sorted table and a shared link show the same colours.
 */
export function assign(runIDs: readonly string[]): Map<string, Stroke> {
  const strokes = new Map<string, Stroke>();
  let taken = new Set<number>();
  let round = 0;
  for (const id of [...new Set(runIDs)].sort()) {
    if (taken.size === COLOURS) {
      taken = new Set();
      round++;
    }
    let colour = preferred(id);
    while (taken.has(colour)) colour = (colour + 1) % COLOURS;
    taken.add(colour);
    strokes.set(id, { colour, dash: DASHES[Math.min(round, DASHES.length - 1)] ?? [] });
  }
  return strokes;
}

/** The CSS value of a stroke's colour. */
export function cssColour(stroke: Stroke): string {
  return `var(--series-${stroke.colour})`;
}
