// Which columns the table of runs has, in which order and width, and how that is written in the address. Pure.
//
//   cols=state,created,~metrics.loss,min.val_loss,params.lr,tags.team   pin=metrics.loss   w=metrics.loss:140,name:300
//
// A `~` before a metric draws its course in the cell. Links from before attributes could be chosen name none of them: they
// have the three that every table had. A table without attributes begins with `-`.

import { defaultColumns, isNumberColumn, parseColumn, type Sort } from "../columns";
import type { Run } from "../api";

export const ATTRIBUTES = ["state", "created", "duration", "user", "experiment", "tags", "note"] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

/** Of a metric: the latest value, or the least or greatest that it ever had. */
export type Shown = "last" | "min" | "max";

export type TableColumn =
  | { readonly kind: "attributes"; readonly key: Attribute }
  | { readonly kind: "params" | "tags"; readonly key: string }
  | { readonly kind: "metrics"; readonly key: string; readonly show: Shown; readonly line: boolean };

export interface Layout {
  /** Null: chosen by the page from what the runs have. */
  readonly columns: readonly TableColumn[] | null;
  /** Columns that stay at the left, by id. */
  readonly pinned: readonly string[];
  /** Pixels by id; `name` is the name's. */
  readonly widths: ReadonlyMap<string, number>;
}

export const NO_LAYOUT: Layout = { columns: null, pinned: [], widths: new Map() };

/** A column can be so wide, in pixels. */
export const WIDTH_MIN = 56;
export const WIDTH_MAX = 800;
export const NAME_WIDTH = 220;
/** Key presses and menus change a width by so much. */
export const WIDTH_STEP = 24;

const FIRST: readonly TableColumn[] = (["state", "created", "duration"] as const).map((key) => ({ kind: "attributes", key }));
const NONE = "-";

/** Names a column of a table; it is what the table is sorted by, too. */
export function columnID(c: TableColumn): string {
  if (c.kind === "attributes") return c.key;
  return `${c.kind === "metrics" && c.show !== "last" ? c.show : c.kind}.${c.key}`;
}

/** What stands over a column. */
export function columnTitle(c: TableColumn): string {
  return c.kind === "metrics" && c.show !== "last" ? `${c.show} ${c.key}` : c.kind === "tags" && c.key === "" ? "tags" : c.key;
}

export function formatColumn(c: TableColumn): string {
  return (c.kind === "metrics" && c.line ? "~" : "") + columnID(c);
}

export function parseTableColumn(text: string): TableColumn | null {
  const line = text.startsWith("~");
  const name = line ? text.slice(1) : text;
  const attribute = ATTRIBUTES.find((a) => a === name);
  if (attribute) return line ? null : { kind: "attributes", key: attribute };
  const dot = name.indexOf(".");
  const [kind, key] = [name.slice(0, dot), name.slice(dot + 1)];
  if (dot < 0 || key === "") return null;
  if (kind === "metrics") return { kind, key, show: "last", line };
  if (kind === "min" || kind === "max") return { kind: "metrics", key, show: kind, line };
  return !line && (kind === "params" || kind === "tags") ? { kind, key } : null;
}

/** Reads the fields of an address. */
export function parseLayout(fields: ReadonlyMap<string, readonly string[]>): Layout {
  const texts = fields.get("cols");
  return {
    columns: texts ? parseColumns(texts) : null,
    pinned: fields.get("pin") ?? [],
    widths: new Map((fields.get("w") ?? []).flatMap(parseWidth)),
  };
}

function parseColumns(texts: readonly string[]): readonly TableColumn[] {
  const known = texts.map(parseTableColumn).filter((c) => c !== null);
  const columns = [...new Map(known.map((c) => [columnID(c), c])).values()];
  return texts[0] === NONE || columns.some((c) => c.kind === "attributes") ? columns : [...FIRST, ...columns];
}

function parseWidth(text: string): [string, number][] {
  const colon = text.lastIndexOf(":");
  const width = Number(text.slice(colon + 1));
  return colon > 0 && Number.isFinite(width) ? [[text.slice(0, colon), withinWidth(width)]] : [];
}

/** Writes what differs from a table that nobody has changed. */
export function layoutFields({ columns, pinned, widths }: Layout): [string, readonly string[]][] {
  const fields: [string, readonly string[]][] = [];
  if (columns) {
    const texts = columns.map(formatColumn);
    const asBefore = FIRST.every((c, i) => texts[i] === columnID(c)) && !columns.slice(FIRST.length).some((c) => c.kind === "attributes");
    const none = !columns.some((c) => c.kind === "attributes");
    fields.push(["cols", none ? [NONE, ...texts] : asBefore && columns.length > FIRST.length ? texts.slice(FIRST.length) : texts]);
  }
  if (pinned.length > 0) fields.push(["pin", pinned]);
  if (widths.size > 0) fields.push(["w", [...widths].map(([id, width]) => `${id}:${width}`)]);
  return fields;
}

/** The columns of a table, with the one that is sorted by: an order must be seen. */
export function shownColumns(columns: readonly TableColumn[] | null, rows: readonly Run[], sort: Sort | null, several: boolean): readonly TableColumn[] {
  const all = columns ?? [
    ...FIRST,
    ...(several ? [{ kind: "attributes", key: "experiment" } as const] : []),
    ...defaultColumns(rows).map((c): TableColumn => (c.kind === "metrics" ? { kind: "metrics", key: c.key, show: "last", line: false } : { kind: "params", key: c.key })),
  ];
  const sorted = sort ? parseTableColumn(sort.column) : null;
  return sorted && !all.some((c) => columnID(c) === columnID(sorted)) ? [...all, sorted] : all;
}

/** The pinned columns first, and how many they are. */
export function arranged(columns: readonly TableColumn[], pinned: readonly string[]): { readonly columns: readonly TableColumn[]; readonly pinned: number } {
  const first = columns.filter((c) => pinned.includes(columnID(c)));
  return { columns: [...first, ...columns.filter((c) => !first.includes(c))], pinned: first.length };
}

/** A column put before another one, or at the end; it is pinned as its new neighbours are. */
export function moved(columns: readonly TableColumn[], id: string, before: string | null): readonly TableColumn[] {
  const column = columns.find((c) => columnID(c) === id);
  if (!column || id === before) return columns;
  const others = columns.filter((c) => c !== column);
  const at = before === null ? others.length : others.findIndex((c) => columnID(c) === before);
  return at < 0 ? columns : [...others.slice(0, at), column, ...others.slice(at)];
}

/** A column put one place to the left (-1) or right (1). */
export function nudged(columns: readonly TableColumn[], id: string, by: -1 | 1): readonly TableColumn[] {
  const at = columns.findIndex((c) => columnID(c) === id);
  const to = at + by;
  if (at < 0 || to < 0 || to >= columns.length) return columns;
  const next = [...columns];
  [next[at], next[to]] = [next[to] as TableColumn, next[at] as TableColumn];
  return next;
}

export const withinWidth = (width: number): number => Math.round(Math.min(Math.max(width, WIDTH_MIN), WIDTH_MAX));

/** How wide a column is if nobody changed it. */
export function firstWidth(c: TableColumn): number {
  if (c.kind === "metrics") return c.line ? 172 : 108;
  if (c.kind === "attributes") return c.key === "tags" || c.key === "note" ? 220 : c.key === "experiment" ? 132 : 96;
  return 108;
}

export const widthOf = (c: TableColumn, widths: Layout["widths"]): number => widths.get(columnID(c)) ?? firstWidth(c);

/** Rows that decide how a column looks: enough to tell, and no work for 100,000. */
export const SAMPLE_ROWS = 500;

/** Whether a column's values stand at its right edge. */
export function isRight(c: TableColumn, sample: readonly Run[]): boolean {
  if (c.kind === "attributes") return c.key === "duration";
  return c.kind === "metrics" || (c.kind === "params" && isNumberColumn(sample, { kind: "params", key: c.key }));
}

/** What of a column the server can sort by, in the words of columns.ts; null: the page sorts what is loaded. */
export function serverSort(sort: Sort | null): Sort | null {
  const column = sort ? parseTableColumn(sort.column) : null;
  if (!sort || !column) return sort;
  if (column.kind === "attributes") return column.key === "state" || column.key === "created" ? sort : column.key === "duration" ? sort : null;
  return column.kind === "metrics" && column.show !== "last" ? null : sort;
}

/** Whether a click on a column's head sorts. */
export function isSortable(c: TableColumn): boolean {
  return c.kind !== "attributes" || (c.key !== "tags" && c.key !== "note" && c.key !== "experiment");
}

/** Columns whose name has a pattern in it: a regular expression between slashes, else a part of the name. Null: no pattern. */
export function found(pattern: string): ((name: string) => boolean) | null {
  const text = pattern.trim();
  const body = /^\/(.+)\/$/s.exec(text)?.[1];
  if (body === undefined) return (name) => name.toLowerCase().includes(text.toLowerCase());
  try {
    const expression = new RegExp(body, "i");
    return (name) => expression.test(name);
  } catch {
    return null;
  }
}

/** Columns as the parts of the page that know params and metrics alone take them. */
export const plainColumn = (c: TableColumn) => parseColumn(columnID(c));
