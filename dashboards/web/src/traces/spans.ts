// Spans of a trace as the tree and the bars that the page draws. Pure.
//
//   stored JSON -> decodeSpans -> treeOf -> unfolded -> barOf

import { duration } from "../format";

export type SpanState = "OK" | "ERROR" | "UNSET";

/** A named text: a value that is JSON stands indented, a JSON string without its quotes. */
export interface Named {
  readonly key: string;
  readonly text: string;
}

export interface SpanEvent {
  readonly name: string;
  /** Nanoseconds since the epoch. */
  readonly time: number;
  readonly attributes: readonly Named[];
}

export interface Span {
  readonly id: string;
  readonly parent: string | null;
  readonly name: string;
  /** As LLM or RETRIEVER; empty if nobody said. */
  readonly type: string;
  /** Nanoseconds since the epoch, exact to 256: a double holds no more. */
  readonly start: number;
  /** Null while the span goes on. */
  readonly end: number | null;
  readonly state: SpanState;
  /** What went wrong. */
  readonly message: string;
  /** Null if none were recorded. */
  readonly inputs: string | null;
  readonly outputs: string | null;
  /** But for those that have a field of their own. */
  readonly attributes: readonly Named[];
  readonly events: readonly SpanEvent[];
}

/** A span as MLflow stores it; the second names are those of its clients before 3.0. */
export interface WireSpan {
  readonly span_id?: string;
  readonly parent_span_id?: string | null;
  readonly context?: { readonly span_id?: string };
  readonly parent_id?: string | null;
  readonly name?: string;
  readonly start_time_unix_nano?: number;
  readonly end_time_unix_nano?: number | null;
  readonly start_time?: number;
  readonly end_time?: number | null;
  readonly status?: { readonly code?: string; readonly message?: string };
  readonly status_code?: string;
  readonly status_message?: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly events?: readonly WireEvent[];
}

interface WireEvent {
  readonly name?: string;
  readonly time_unix_nano?: number;
  /** Nanoseconds, too. */
  readonly timestamp?: number;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

const INPUTS = "mlflow.spanInputs";
const OUTPUTS = "mlflow.spanOutputs";
const TYPE = "mlflow.spanType";
/** Attributes that stand elsewhere on the page. */
const ELSEWHERE = new Set([INPUTS, OUTPUTS, TYPE, "mlflow.traceRequestId"]);

export function decodeSpans(wire: readonly WireSpan[]): readonly Span[] {
  return wire.map((w, i) => {
    const attributes = w.attributes ?? {};
    const end = w.end_time_unix_nano ?? w.end_time ?? 0;
    return {
      id: idOf(w.span_id ?? w.context?.span_id) ?? `span ${i}`,
      parent: idOf(w.parent_span_id || w.parent_id),
      name: w.name ?? "",
      type: typeOf(attributes[TYPE]),
      start: w.start_time_unix_nano ?? w.start_time ?? 0,
      end: end > 0 ? end : null,
      state: stateOf(w.status?.code ?? w.status_code ?? ""),
      message: w.status?.message ?? w.status_message ?? "",
      inputs: textAt(attributes, INPUTS),
      outputs: textAt(attributes, OUTPUTS),
      attributes: named(attributes).filter((a) => !ELSEWHERE.has(a.key)),
      events: (w.events ?? []).map((e) => ({
        name: e.name ?? "",
        time: e.time_unix_nano ?? e.timestamp ?? 0,
        attributes: named(e.attributes ?? {}, String),
      })),
    };
  });
}

/** MLflow stores the 8 bytes of an id in base64, and names them in hex elsewhere: so do links and assessments. */
function idOf(stored: string | null | undefined): string | null {
  if (!stored) return null;
  if (!/^[A-Za-z0-9+/]{11}=$/.test(stored)) return stored.replace(/^0x(?=[0-9a-f]{16}$)/, "");
  return [...atob(stored)].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

/** What nobody said MLflow calls UNKNOWN. */
function typeOf(value: unknown): string {
  const type = typeof value === "string" ? readable(value) : "";
  return type === "UNKNOWN" ? "" : type;
}

function stateOf(code: string): SpanState {
  if (code.endsWith("ERROR")) return "ERROR";
  return code.endsWith("OK") ? "OK" : "UNSET";
}

const textAt = (of: Readonly<Record<string, unknown>>, key: string) => (of[key] === undefined || of[key] === null ? null : readable(of[key]));

const named = (of: Readonly<Record<string, unknown>>, text: (value: unknown) => string = readable): Named[] =>
  Object.entries(of).map(([key, value]) => ({ key, text: typeof value === "string" ? text(value) : readable(value) }));

/** Digits that a double may not hold: such JSON stays as it was written. */
const LONG_NUMBER = /\d{16}/;

/** A value as a reader wants it. Spans hold their values as JSON texts. */
export function readable(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value, null, 2) ?? "";
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return value;
  }
  if (typeof parsed === "string") return parsed;
  return typeof parsed !== "object" || parsed === null || LONG_NUMBER.test(value) ? value : JSON.stringify(parsed, null, 2);
}

/** A span in its place, the children of each behind it. */
export interface SpanRow {
  readonly span: Span;
  /** From 0. */
  readonly depth: number;
  /** How many rows behind it are below it, children's children too. */
  readonly below: number;
  /** The row of its parent; -1 at the top. */
  readonly parent: number;
}

/**
 * All spans as a tree, siblings by start. One whose parent is not there (not yet, or never) stands at the top, and so does the
 * first of those that are each other's parents. No recursion: agents nest as deep as they please.
 */
export function treeOf(spans: readonly Span[]): readonly SpanRow[] {
  const known = new Set(spans.map((s) => s.id));
  const sorted = spans.map((_, i) => i).sort((a, b) => at(spans, a).start - at(spans, b).start || a - b);
  const children = new Map<string | null, number[]>();
  for (const i of sorted) {
    const { parent } = at(spans, i);
    const under = parent !== null && known.has(parent) ? parent : null;
    const siblings = children.get(under);
    if (siblings) siblings.push(i);
    else children.set(under, [i]);
  }
  const placed = new Set<number>();
  const opened = new Set<string>();
  const rows: { span: Span; depth: number; below: number; parent: number }[] = [];
  const walk = (tops: readonly number[]) => {
    const stack = tops.map((i) => ({ i, depth: 0, parent: -1 })).reverse();
    for (let top = stack.pop(); top; top = stack.pop()) {
      if (placed.has(top.i)) continue;
      placed.add(top.i);
      const row = rows.length;
      const span = at(spans, top.i);
      rows.push({ span, depth: top.depth, below: 0, parent: top.parent });
      // Two spans of one id: the children are the first one's.
      if (opened.has(span.id)) continue;
      opened.add(span.id);
      for (const i of [...(children.get(span.id) ?? [])].reverse()) stack.push({ i, depth: top.depth + 1, parent: row });
    }
  };
  walk(children.get(null) ?? []);
  for (const i of sorted) if (!placed.has(i)) walk([i]);
  for (let i = rows.length - 1; i >= 0; i--) {
    const row = rows[i];
    const parent = row && rows[row.parent];
    if (row && parent) parent.below += row.below + 1;
  }
  return rows;
}

function at(spans: readonly Span[], i: number): Span {
  return spans[i] as Span;
}

/** The numbers of the rows that are seen when what is below some spans is folded away. */
export function unfolded(rows: readonly SpanRow[], folded: ReadonlySet<string>): readonly number[] {
  const seen: number[] = [];
  for (let i = 0; i < rows.length; ) {
    const row = rows[i] as SpanRow;
    seen.push(i);
    i += folded.has(row.span.id) ? row.below + 1 : 1;
  }
  return seen;
}

/** The time that all spans together take, in nanoseconds since the epoch. */
export interface Extent {
  readonly from: number;
  readonly to: number;
}

export function extentOf(spans: readonly Span[]): Extent {
  let from = Infinity;
  let to = -Infinity;
  for (const s of spans) {
    from = Math.min(from, s.start);
    to = Math.max(to, s.end ?? s.start);
  }
  return spans.length === 0 ? { from: 0, to: 0 } : { from, to };
}

/** Where a span's bar begins and how long it is, both from 0 to 1. One that goes on reaches to the end. */
export function barOf(span: Span, { from, to }: Extent): { readonly left: number; readonly width: number } {
  const all = to - from;
  if (all <= 0) return { left: 0, width: 1 };
  const left = clamp((span.start - from) / all);
  return { left, width: Math.max(clamp(((span.end ?? to) - from) / all) - left, 0) };
}

const clamp = (v: number) => Math.min(Math.max(v, 0), 1);

/** Times at the axis: round, as many as `most` at most, the first 0. In nanoseconds since the beginning. */
export function ticksOf({ from, to }: Extent, most: number): readonly number[] {
  const all = to - from;
  if (all <= 0) return [0];
  const rough = all / Math.max(most - 1, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((n) => n * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.floor(all / step + 1e-9) + 1 }, (_, i) => i * step);
}

const MICROSECOND = 1e3;
const MILLISECOND = 1e6;
const SECOND = 1e9;

/** A length of time in nanoseconds, with 3 digits where it is short: `1.04 ms`. */
export function took(ns: number): string {
  if (ns <= 0) return "0";
  if (ns < MICROSECOND) return `${Math.round(ns)} ns`;
  if (ns < MILLISECOND) return `${Number((ns / MICROSECOND).toPrecision(3))} µs`;
  if (ns < SECOND) return `${Number((ns / MILLISECOND).toPrecision(3))} ms`;
  return ns < 10 * SECOND ? `${Number((ns / SECOND).toPrecision(3))} s` : duration(ns / MILLISECOND);
}

/** A length of time that is known to the millisecond. */
export function tookAbout(ns: number): string {
  return ns < MILLISECOND ? "< 1 ms" : took(ns);
}
