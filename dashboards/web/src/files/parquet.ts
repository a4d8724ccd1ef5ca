// The first rows of a Parquet file. Only what they need is read of it: the footer, and the pages of the first row groups.

import { decompress } from "fzstd";
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";

import { ApiError } from "../api";

/** More than this is not read for a preview. */
export const READ_MAX = 64 << 20;

export interface ParquetTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly total: bigint;
}

/** At most so many rows of a file of a known size. */
export async function readParquet(url: string, size: number, rowsMax: number, signal: AbortSignal): Promise<ParquetTable> {
  let read = 0;
  const file = {
    byteLength: size,
    slice: async (from: number, to = size) => {
      read += to - from;
      if (read > READ_MAX) throw new ApiError(0, "TOO_LARGE", `Its first rows need more than ${READ_MAX >> 20} MB of it. Download the file.`);
      const answer = await fetch(url, { headers: { Range: `bytes=${from}-${to - 1}` }, signal });
      if (!answer.ok) throw new ApiError(answer.status, "REFUSED", `The server answered ${answer.status}.`);
      return answer.arrayBuffer();
    },
  };
  const metadata = await parquetMetadataAsync(file);
  const columns = parquetSchema(metadata).children.map((c) => c.element.name);
  const rowEnd = Math.min(rowsMax, Number(metadata.num_rows));
  // Snappy is hyparquet's own. The collection of all others wants WebAssembly, which the policy of the page does not allow.
  const compressors = { ZSTD: (bytes: Uint8Array) => decompress(bytes) };
  const found = rowEnd === 0 ? [] : await parquetReadObjects({ file, metadata, rowEnd, compressors });
  return { columns, rows: found.map((row) => columns.map((name) => cell(row[name]))), total: metadata.num_rows };
}

/** A value as text; 64-bit numbers keep all their digits. */
function cell(v: unknown): string {
  if (v === null || v === undefined) return "";
  if (v instanceof Date) return v.toISOString();
  if (typeof v !== "object") return String(v);
  return JSON.stringify(v, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner));
}
