// The text of a filter, looked at while it is written: its words, what may come next, and which word is wrong. Pure.

import type { Run } from "../api";
import { quoteKey } from "../columns";

export interface Word {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** Words, comparators, quoted texts and parentheses; quotes that are not closed go to the end. */
export function wordsOf(filter: string): Word[] {
  const pattern = /(?:[^\s'"`=<>!(),]*\.)?(?:'[^']*'?|"[^"]*"?|`[^`]*`?)|!=|<=|>=|[=<>(),]|[^\s'"`=<>!(),]+|\S/g;
  return [...filter.matchAll(pattern)].map((m) => ({ text: m[0], from: m.index, to: m.index + m[0].length }));
}

export interface Clause {
  readonly text: string;
  /** What joins it to the one before. */
  readonly join: "" | "and" | "or";
}

/** How many parentheses are open behind each word; those of a list behind IN count, too. */
function depthsOf(words: readonly Word[]): readonly number[] {
  let depth = 0;
  return words.map(({ text }) => (depth = text === "(" ? depth + 1 : text === ")" ? Math.max(depth - 1, 0) : depth));
}

const jointOf = (word: Word): "and" | "or" | null => (/^and$/i.test(word.text) ? "and" : /^or$/i.test(word.text) ? "or" : null);

/** What a filter consists of: comparisons, and alternatives in parentheses as one. */
export function clausesOf(filter: string): Clause[] {
  const clauses: { join: Clause["join"]; from: number; to: number }[] = [];
  const words = wordsOf(filter);
  const depths = depthsOf(words);
  let join: Clause["join"] = "";
  let fresh = true;
  for (const [i, word] of words.entries()) {
    const joint = depths[i] === 0 ? jointOf(word) : null;
    if (joint) {
      [join, fresh] = [joint, true];
      continue;
    }
    const last = clauses.at(-1);
    if (fresh || !last) clauses.push({ join: clauses.length === 0 ? "" : join, from: word.from, to: word.to });
    else last.to = word.to;
    fresh = false;
  }
  return clauses.map((c) => ({ join: c.join, text: filter.slice(c.from, c.to) }));
}

/** A filter without one of its parts; parentheses around all that is left go, too. */
export function without(clauses: readonly Clause[], at: number): string {
  const left = clauses.filter((_, i) => i !== at);
  const [only] = left;
  if (left.length === 1 && only) return bare(only.text);
  return left.map((c, i) => (i === 0 ? c.text : `${c.join} ${c.text}`)).join(" ");
}

/** A text without the parentheses that hold all of it. */
function bare(text: string): string {
  const words = wordsOf(text);
  const depths = depthsOf(words);
  const closes = words.length > 2 && words[0]?.text === "(" && depths.indexOf(0) === words.length - 1;
  return closes ? text.slice(1, -1).trim() : text;
}

/** A filter with a further comparison that must hold, too. */
export function withClause(filter: string, clause: string): string {
  const clauses = clausesOf(filter);
  if (clauses.length === 0) return clause;
  return `${clauses.some((c) => c.join === "or") ? `(${filter.trim()})` : filter.trim()} and ${clause}`;
}

/** A value in quotes that it does not have; null if it has both kinds. */
export function quoteValue(value: string): string | null {
  if (!value.includes("'")) return `'${value}'`;
  return value.includes('"') ? null : `"${value}"`;
}

/** What filters can be made of, from the runs at hand. */
export interface Vocabulary {
  /** As `metrics.loss`. */
  readonly fields: readonly string[];
  /** Quoted, by field. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

const VALUES_MAX = 50;
const STATES = ["RUNNING", "FINISHED", "FAILED", "KILLED", "SCHEDULED"];
const ATTRIBUTE_FIELDS = ["status", "run_name", "user_id", "start_time", "end_time", "run_id"].map((a) => `attributes.${a}`);

export function vocabularyOf(runs: readonly Run[]): Vocabulary {
  const metrics = new Set<string>();
  const values = new Map<string, Set<string>>();
  const note = (field: string, value: string) => {
    const some = values.get(field) ?? new Set();
    values.set(field, some);
    const quoted = some.size < VALUES_MAX ? quoteValue(value) : null;
    if (quoted !== null) some.add(quoted);
  };
  for (const run of runs) {
    for (const key of run.metrics.keys()) metrics.add(`metrics.${quoteKey(key)}`);
    for (const [key, value] of run.params) note(`params.${quoteKey(key)}`, value);
    for (const [key, value] of run.tags) note(`tags.${quoteKey(key)}`, value);
    note("attributes.user_id", run.user);
    note("attributes.run_name", run.name);
  }
  const fields = [...metrics, ...values.keys()].filter((f) => !f.startsWith("attributes.")).sort((a, b) => a.replaceAll("`", "").localeCompare(b.replaceAll("`", "")));
  values.set("attributes.status", new Set(STATES.map((s) => `'${s}'`)));
  return { fields: [...fields, ...ATTRIBUTE_FIELDS], values: new Map([...values].map(([field, some]) => [field, [...some].sort()])) };
}

export interface Completion {
  /** What the part from `from` to `to` may become. */
  readonly options: readonly string[];
  readonly from: number;
  readonly to: number;
}

const OPTIONS_MAX = 8;

/** What may stand where the caret is; no options where nothing is known. */
export function complete(filter: string, caret: number, words: Vocabulary): Completion {
  const before = wordsOf(filter.slice(0, caret));
  const last = before.at(-1);
  // A word that ends at the caret is being written.
  const writing = last && last.to === caret && !/^(!=|<=|>=|[=<>(),])$/.test(last.text) ? last : null;
  const done = writing ? before.slice(0, -1) : before;
  const start = done.findLastIndex((w) => jointOf(w) !== null) + 1;
  // Parentheses that open here stand before the comparison.
  const clause = done.slice(start).filter((w, i, all) => all.slice(0, i + 1).some((v) => v.text !== "(") || w.text !== "(");
  const open = (depthsOf(done).at(-1) ?? 0) > 0;
  const place = { from: writing?.from ?? caret, to: caret };
  const typed = (writing?.text ?? "").toLowerCase();
  const pick = (options: readonly string[]) => {
    const bare = typed.replace(/^['"`]/, "");
    const fit = options.filter((o) => o.toLowerCase() !== typed && o.toLowerCase().replace(/['"`]/g, "").includes(bare.replace(/['"`]/g, "")));
    const begins = (o: string) => (o.toLowerCase().replace(/['"`]/g, "").startsWith(bare.replace(/['"`]/g, "")) ? 0 : 1);
    return [...fit].sort((a, b) => begins(a) - begins(b)).slice(0, OPTIONS_MAX);
  };
  if (clause.length === 0) return { ...place, options: pick(words.fields) };
  const field = (clause[0] as Word).text;
  if (clause.length === 1) {
    const number = /^(metrics?\.|attributes\.(start|end)_time)/.test(field);
    const nullable = /^(params?|tags?)\./.test(field) ? ["IS NULL", "IS NOT NULL"] : [];
    return { ...place, options: pick(number ? ["<", "<=", ">", ">=", "=", "!="] : ["=", "!=", "LIKE", "ILIKE", ...nullable]) };
  }
  if (clause.length === 2 && !/^is$/i.test(clause[1]?.text ?? "")) return { ...place, options: pick(words.values.get(field) ?? []) };
  return { ...place, options: /^is$/i.test(clause[1]?.text ?? "") && clause.length < 3 ? [] : pick(open ? [")", "and", "or"] : ["and", "or"]) };
}

/** The filter with an option in its place, and where the caret goes. */
export function completed(filter: string, at: Completion, option: string): { readonly text: string; readonly caret: number } {
  const rest = filter.slice(at.to);
  const text = filter.slice(0, at.from) + option + (rest.startsWith(" ") ? rest : ` ${rest}`);
  return { text, caret: at.from + option.length + 1 };
}

/** The word that a refusal is about: the first one that it names; else the last one, behind which something is missing. */
export function wrongWord(filter: string, message: string): Word | null {
  const words = wordsOf(filter);
  const at = /^Invalid filter: .* at character (\d+)/.exec(message)?.[1];
  if (at !== undefined) {
    const from = [...filter].slice(0, Number(at) - 1).join("").length;
    const word = words.find((w) => w.from <= from && from < w.to);
    if (word) return word;
  }
  const named = [...message.matchAll(/'([^']+)'|"([^"]+)"|(?:Found|value) (\S+)$/g)].map((m) => (m[1] ?? m[2] ?? m[3] ?? "").trim()).filter((t) => t !== "" && t !== filter.trim());
  const plain = (text: string) => text.replace(/['"`]/g, "").toLowerCase();
  for (const text of named) {
    const word = words.find((w) => w.text === text) ?? words.find((w) => plain(w.text) === plain(text) || plain(w.text).endsWith(`.${plain(text)}`) || plain(w.text).startsWith(`${plain(text)}.`));
    if (word) return word;
    const from = filter.indexOf(text);
    if (from >= 0) return { text, from, to: from + text.length };
  }
  return words.at(-1) ?? null;
}
