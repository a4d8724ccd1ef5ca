// Progress bars that drew themselves over several lines, as one line each. Pure.
//
// A bar alone writes over itself, and the library that records lines keeps its last state. Bars below each other, and those of programs
// that do so when they see no terminal, write a line for each state.

/** A line that is a state of a bar. */
export interface BarState {
  /** What stands before the bar: which one it is. */
  readonly bar: string;
  /** 0 to 1; of one without an end a count. */
  readonly done: number;
  /** It has no end. */
  readonly endless: boolean;
}

/** tqdm and pip draw `epoch 1:  45%|███`, rich `Working ━━━━ 45%`, Keras `45/100 ━━━━`; tqdm without a total counts: `45it [00:01`. */
const PERCENT = /^(.{0,200}?)\s*\b(\d{1,3})%\s?(?:[|│┃█▏▎▍▌▋▊▉━]|\[[#=> .-]{3})/;
const AFTER = /^(.{0,200}?)\s*[━╸╺█░▒▓#=>.\-[\]|]{4,}\s+(\d{1,3})%/;
const OF = /^(.{0,200}?)\s*\b(\d{1,9})\/(\d{1,9})\s+[━[]/;
const COUNT = /^(.{0,200}?)\s*\b(\d{1,12})(?:it|[a-zA-Z]{1,12})? \[\d+:\d\d/;

/** Null: the line is none. */
export function barState(text: string): BarState | null {
  if (!/[%[━]/.test(text)) return null;
  const percent = PERCENT.exec(text) ?? AFTER.exec(text);
  if (percent) return { bar: percent[1]?.trim() ?? "", done: Number(percent[2]) / 100, endless: false };
  const of = OF.exec(text);
  if (of && Number(of[3]) > 0) return { bar: of[1]?.trim() ?? "", done: Number(of[2]) / Number(of[3]), endless: false };
  const counted = COUNT.exec(text);
  return counted ? { bar: counted[1]?.trim() ?? "", done: Number(counted[2]), endless: true } : null;
}

/** What is asked of a line. */
export interface Lined {
  /** Lines of one writer: rank, attempt and stream. */
  readonly writer: string;
  readonly empty: boolean;
  readonly bar: BarState | null;
}

/**
 * Of each line whether a later state of its bar stands for it. So it is if between both their writer wrote nothing but bars, the
 * later one is as far or farther, and the earlier one was not at its end: a loop that draws a bar for each epoch keeps one line each.
 */
export function foldedAway(lines: readonly Lined[]): readonly boolean[] {
  const away = new Array<boolean>(lines.length).fill(false);
  const open = new Map<string, Map<string, number>>();
  lines.forEach(({ writer, empty, bar }, i) => {
    if (bar === null) {
      if (!empty) open.delete(writer);
      return;
    }
    let states = open.get(writer);
    if (!states) open.set(writer, (states = new Map()));
    const before = states.get(bar.bar);
    const old = before === undefined ? null : (lines[before]?.bar ?? null);
    if (before !== undefined && old && old.endless === bar.endless && old.done <= bar.done && (old.endless || old.done < 1)) away[before] = true;
    states.set(bar.bar, i);
  });
  return away;
}
