// The lines of a console that a page holds, and which of them it shows. Pure.

import type { ConsoleLine } from "../api";
import { plainText } from "./ansi";
import { barState, foldedAway, type Lined } from "./bars";

/** What is held of a line beside what came: each is looked at once. */
export interface HeldLine extends ConsoleLine, Lined {
  /** Without colours. */
  readonly plain: string;
  /** As it is searched. */
  readonly lower: string;
}

/** Older lines go when there are more, or more of text: a browser holds that well. */
export const LINES_MAX = 200_000;
export const CHARS_MAX = 64 << 20;

export function held(line: ConsoleLine): HeldLine {
  const plain = plainText(line.text);
  const lower = plain.toLowerCase();
  return {
    ...line,
    plain,
    // Mostly a line is in small letters only: then it is held once.
    lower: lower === plain ? plain : lower,
    writer: `${line.rank}.${line.attempt}.${line.stream}`,
    empty: plain.trim() === "",
    bar: barState(plain),
  };
}

/** The newest lines, as many as a page may hold. */
export class Tail {
  #lines: HeldLine[] = [];
  #chars = 0;
  /** Older ones that went. */
  dropped = 0;

  constructor(
    private readonly linesMax = LINES_MAX,
    private readonly charsMax = CHARS_MAX,
  ) {}

  add(lines: readonly ConsoleLine[]): void {
    for (const line of lines) {
      this.#lines.push(held(line));
      this.#chars += line.text.length;
    }
    let gone = 0;
    for (; this.#lines.length - gone > this.linesMax || this.#chars > this.charsMax; gone++) this.#chars -= this.#lines[gone]?.text.length ?? 0;
    if (gone > 0) this.#lines = this.#lines.slice(gone);
    this.dropped += gone;
  }

  get lines(): readonly HeldLine[] {
    return this.#lines.slice();
  }
}

export interface Wanted {
  /** In small letters; empty: all. */
  readonly find: string;
  /** Every state of a bar. */
  readonly bars: boolean;
}

export interface Found {
  readonly lines: readonly HeldLine[];
  /** States of bars that are not among them. */
  readonly folded: number;
  /** Characters of the longest. */
  readonly longest: number;
}

export function foundIn(all: readonly HeldLine[], { find, bars }: Wanted): Found {
  const away = bars ? null : foldedAway(all);
  const lines: HeldLine[] = [];
  let folded = 0;
  let longest = 0;
  all.forEach((line, i) => {
    if (away?.[i]) folded++;
    else if (find === "" || line.lower.includes(find)) {
      lines.push(line);
      longest = Math.max(longest, line.plain.length);
    }
  });
  return { lines, folded, longest };
}
