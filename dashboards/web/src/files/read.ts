// The beginning of a file, as text.

import { ApiError } from "../api";

export interface Beginning {
  readonly text: string;
  /** More stands behind it. */
  readonly cut: boolean;
}

/** At most so many bytes of a file; what is no text is told. */
export async function readBeginning(url: string, bytesMax: number, signal: AbortSignal): Promise<Beginning> {
  const answer = await fetch(url, { headers: { Range: `bytes=0-${bytesMax - 1}` }, signal });
  // An empty file has no range.
  if (answer.status === 416) return { text: "", cut: false };
  if (!answer.ok) throw new ApiError(answer.status, "REFUSED", `The server answered ${answer.status}.`);
  const total = Number(/\/(\d+)$/.exec(answer.headers.get("Content-Range") ?? "")?.[1] ?? 0);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (bytes.subarray(0, 8000).includes(0)) throw new ApiError(0, "NO_TEXT", "This is no text. Download the file.");
  return { text: new TextDecoder().decode(bytes), cut: total > bytes.length };
}
