// A JSON file as the tree that runs/config.ts folds and searches. Nodes are made when they are looked at: a file of megabytes has
// hundreds of thousands. Pure.

import type { ConfigNode } from "../runs/config";

/** What is nested deeper stays a text. */
const DEPTH_MAX = 100;
/** A list of plain values that is not longer is read best in its row. */
const LIST_MAX = 60;
/** By depth: what holds more stands folded at first. */
const OPEN_MAX = [50, 12, 3] as const;
/** Digits that a double may not hold. */
const LONG_NUMBER = /\d{16}/;
/** Numbers, and what Python writes for those that are none in JSON; texts are found too, so that what stands in them is left alone. */
const NUMBER = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN|-?\d[\d.eE+-]*/g;
const WRITTEN = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$|y$|N$/;
/** Marks those that a double would say otherwise while the text is read: no program writes such a key. */
const MARK = "\u0000";

/** A number as it was written, where a double would say it otherwise. */
class Exact {
  constructor(readonly text: string) {}
}

/** The tree of a text; null if there is none to show: a single value, or no JSON. */
export function jsonTree(text: string): readonly ConfigNode[] | null {
  const value = parse(text);
  return typeof value === "object" && value !== null && !(value instanceof Exact) ? childrenOf(value, "", 0) : null;
}

/** The text with each value in a line, as far as it is JSON. Digits stay. */
export function indented(text: string): string {
  if (LONG_NUMBER.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function parse(text: string): unknown {
  const mark = (found: string) => (found.startsWith('"') || !WRITTEN.test(found) || (Number.isFinite(Number(found)) && String(Number(found)) === found) ? found : `{"\\u0000":"${found}"}`);
  try {
    return JSON.parse(text.replace(NUMBER, mark), (_, value: unknown) => (isMarked(value) ? new Exact(value[MARK]) : value));
  } catch {
    return undefined;
  }
}

function isMarked(value: unknown): value is { readonly [MARK]: string } {
  return typeof value === "object" && value !== null && Object.hasOwn(value, MARK);
}

const childrenOf = (of: object, path: string, depth: number): readonly ConfigNode[] =>
  // A line break parts the steps of a path, as in runs/config.ts.
  Object.entries(of).map(([key, value]: [string, unknown]) => new JsonNode(key, path === "" ? key : `${path}\n${key}`, value, depth));

class JsonNode implements ConfigNode {
  #children: readonly ConfigNode[] | undefined;

  constructor(
    readonly key: string,
    readonly path: string,
    private readonly of: unknown,
    private readonly depth: number,
  ) {}

  /** What opens; null: it stands in its row. */
  get #inner(): object | null {
    const { of } = this;
    if (typeof of !== "object" || of === null || of instanceof Exact || this.depth >= DEPTH_MAX) return null;
    if (Array.isArray(of)) return of.length === 0 || isShort(of) ? null : of;
    return Object.keys(of).length === 0 ? null : of;
  }

  get children(): readonly ConfigNode[] {
    const inner = this.#inner;
    this.#children ??= inner === null ? [] : childrenOf(inner, this.path, this.depth + 1);
    return this.#children;
  }

  get value(): string | null {
    if (this.#inner !== null) return null;
    return typeof this.of === "string" ? this.of : textOf(this.of);
  }

  /** A text stands in quotes: "1" is not 1. */
  get shown(): string {
    return textOf(this.of);
  }

  get note(): string | undefined {
    const inner = this.#inner;
    if (inner === null) return undefined;
    const n = Array.isArray(inner) ? inner.length : Object.keys(inner).length;
    return Array.isArray(inner) ? `${n} ${n === 1 ? "item" : "items"}` : `${n} ${n === 1 ? "key" : "keys"}`;
  }

  get folded(): boolean {
    const inner = this.#inner;
    return inner !== null && Object.keys(inner).length > (OPEN_MAX[this.depth] ?? 0);
  }
}

function isShort(list: readonly unknown[]): boolean {
  return list.length <= LIST_MAX / 2 && list.every((v) => typeof v !== "object" || v === null || v instanceof Exact) && textOf(list).length <= LIST_MAX;
}

function textOf(value: unknown): string {
  if (value instanceof Exact) return value.text;
  if (Array.isArray(value)) return `[${value.map(textOf).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value).map(([key, v]) => `${JSON.stringify(key)}: ${textOf(v)}`).join(", ")}}`;
}
