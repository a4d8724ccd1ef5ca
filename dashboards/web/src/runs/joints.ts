// What stands between the comparisons of a filter: a word too many, or none where one is missing. Pure.

import { wordsOf, type Word } from "./filtertext";

const isSign = (w: Word | undefined) => w !== undefined && /^(!=|<=|>=|[=<>])$/.test(w.text);
const isWord = (w: Word | undefined, ...of: readonly string[]) => w !== undefined && of.includes(w.text.toLowerCase());

/** The index behind the comparison that begins at an index; null if there is no whole one. */
function behindComparison(words: readonly Word[], at: number): number | null {
  let i = at + 1;
  if (isSign(words[i])) return i + 1 < words.length ? i + 2 : null;
  if (isWord(words[i], "is")) return isWord(words[(i += isWord(words[i + 1], "not") ? 2 : 1)], "null") ? i + 1 : null;
  if (isWord(words[i], "not")) i++;
  if (isWord(words[i], "like", "ilike")) return i + 1 < words.length ? i + 2 : null;
  if (!isWord(words[i], "in") || words[i + 1]?.text !== "(") return null;
  const close = words.findIndex((w, n) => n > i && w.text === ")");
  return close < 0 ? null : close + 1;
}

interface Found {
  /** A word behind a comparison that neither joins it with another nor begins one. */
  readonly stray: Word | null;
  /** Words that begin a comparison right behind another one. */
  readonly unjoined: readonly Word[];
}

/** Looks as far as the filter is what this knows; the server knows the rest. */
function look(filter: string): Found {
  const words = wordsOf(filter);
  const unjoined: Word[] = [];
  for (let i = 0; ; ) {
    while (words[i]?.text === "(") i++;
    const next = behindComparison(words, i);
    if (next === null) return { stray: null, unjoined };
    i = next;
    while (words[i]?.text === ")") i++;
    const word = words[i];
    if (!word) return { stray: null, unjoined };
    if (isWord(word, "and", "or")) i++;
    else if (behindComparison(words, i) !== null) unjoined.push(word);
    else return { stray: word, unjoined };
  }
}

/** The word that has no business where it stands, as `xor` in `a = 1 xor b = 2`. */
export function strayWord(filter: string): Word | null {
  return look(filter).stray;
}

/** A filter with the `and` that the server reads where nothing stands between two comparisons: it is seen what is meant. */
export function joined(filter: string): string {
  const { stray, unjoined } = look(filter);
  if (stray) return filter;
  return unjoined.reduceRight((text, word) => `${text.slice(0, word.from)}and ${text.slice(word.from)}`, filter);
}
