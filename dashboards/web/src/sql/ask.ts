// Statements in SQL: asked, their answers and their mistakes.

import { ApiError, get } from "../api";
import type { Worked } from "./worked";

export interface SqlColumn {
  readonly name: string;
  readonly type: string;
  readonly comment: string;
}

/** A view that can be asked. */
export interface SqlView {
  readonly name: string;
  readonly comment: string;
  readonly columns: readonly SqlColumn[];
  /** Those of a view that is called, as sg.series(run='...', key='loss', buckets=100). */
  readonly parameters?: readonly SqlColumn[];
}

/** A function beside ClickHouse's own. */
export interface SqlFunction {
  readonly name: string;
  /** In parentheses. */
  readonly arguments: string;
  readonly comment: string;
}

/** What there is to ask. */
export interface Schema {
  readonly views: readonly SqlView[];
  readonly functions: readonly SqlFunction[];
}

export type Cell = string | number | boolean | null | readonly unknown[] | object;

export interface Result {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly Cell[])[];
  /** Of the answer as text. */
  readonly bytes: number;
  readonly took: number;
}

/** More of an answer than this is not held in a page; a download has it all. */
export const ANSWER_BYTES_MAX = 32 << 20;

export function sqlSchema(signal?: AbortSignal): Promise<Schema> {
  return get<Schema>("v1/sql/schema", signal);
}

/** Asks for rows. A statement that names a format of its own answers with a text, which has no columns. */
export async function askSQL(query: string, signal: AbortSignal): Promise<Result | string> {
  const began = performance.now();
  const text = await readText(await send(query, "exact", signal));
  const took = performance.now() - began;
  try {
    const { meta, data } = JSON.parse(text) as { meta: Result["columns"]; data: Result["rows"] };
    if (Array.isArray(meta) && Array.isArray(data)) return { columns: meta, rows: data, bytes: text.length, took };
  } catch {
    // FORMAT in the statement itself: what came is shown as it is.
  }
  return text;
}

/** The whole answer as a file. */
export async function downloadSQL(query: string, format: "csv" | "parquet", signal: AbortSignal): Promise<Blob> {
  return (await send(query, format, signal)).blob();
}

async function send(query: string, format: string, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch("v1/sql", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ query, format }), signal });
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new ApiError(0, "NO_ANSWER", "The server does not answer.");
  }
  if (response.ok) return response;
  const text = await response.text();
  try {
    const { error_code: code, message } = JSON.parse(text) as { error_code?: string; message?: string };
    throw new ApiError(response.status, code ?? String(response.status), message ?? text);
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw new ApiError(response.status, String(response.status), text.slice(0, 300));
  }
}

async function readText(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    let chunk: ReadableStreamReadResult<Uint8Array>;
    try {
      chunk = await reader.read();
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
      throw new ApiError(0, "BROKEN", "The statement failed on its way, or the server is gone. Its log says more.");
    }
    if (chunk.done) return text + decoder.decode();
    bytes += chunk.value?.length ?? 0;
    if (bytes > ANSWER_BYTES_MAX) {
      void reader.cancel();
      throw new ApiError(0, "TOO_LARGE", `The answer has more than ${ANSWER_BYTES_MAX >> 20} MB: add a LIMIT, or download it.`);
    }
    text += decoder.decode(chunk.value, { stream: true });
  }
}

/** Where a mistake is, from 1; null if the message does not say. */
export function mistakeAt(message: string): { readonly line: number; readonly column: number } | null {
  const found = /\(line (\d+), col(?:umn)? (\d+)\)/.exec(message);
  return found ? { line: Number(found[1]), column: Number(found[2]) } : null;
}

/** Whether a column of ClickHouse's type is drawn and aligned as numbers. */
export function isNumber(type: string): boolean {
  return /^(?:Nullable\(|LowCardinality\()*(?:U?Int(?:8|16|32|64)|Float(?:32|64)|Decimal)/.test(type);
}

export function isTime(type: string): boolean {
  return /^(?:Nullable\()?Date/.test(type);
}

/** A cell as text. 64-bit numbers travel as texts, NaN and infinities too. */
export function cellText(cell: Cell): string {
  if (cell === null) return "NULL";
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}

/** A cell as a number for a chart; null where there is none to draw. */
export function cellNumber(cell: Cell): number | null {
  const n = typeof cell === "number" ? cell : typeof cell === "string" && cell.trim() !== "" ? Number(cell) : NaN;
  return Number.isFinite(n) ? n : null;
}

/** Statements to begin with, a chunk of their own. */
export async function starters(): Promise<readonly Worked[]> {
  return (await import("virtual:worked")).default;
}
