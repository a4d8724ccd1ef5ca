// What of a file can be shown, and how much of it. Pure.

export type FileKind = "image" | "text" | "json" | "csv" | "parquet" | "html" | "pdf" | "audio" | "video" | "none";

const MB = 1 << 20;

/** How much of a file is shown; null: the browser reads of it what it plays. Text and tables are shown up to there, others are left to a download. */
export const SHOWN_MAX: Readonly<Record<FileKind, number | null>> = {
  image: 50 * MB,
  text: MB,
  json: 5 * MB,
  csv: MB,
  parquet: 1024 * MB,
  html: 50 * MB,
  pdf: 50 * MB,
  audio: null,
  video: null,
  none: 0,
};

const BY_END: Readonly<Record<string, FileKind>> = {
  ...ends("image", "png jpg jpeg gif webp bmp svg ico avif"),
  ...ends("json", "json"),
  ...ends("csv", "csv tsv"),
  ...ends("parquet", "parquet pq"),
  ...ends("html", "html htm"),
  ...ends("pdf", "pdf"),
  ...ends("audio", "wav mp3 ogg oga flac m4a aac"),
  ...ends("video", "mp4 webm ogv mov m4v"),
  ...ends("text", "txt log err out md rst yaml yml toml ini cfg conf env properties py pyi ipynb js ts go rs c h cc cpp hpp java kt r jl sql sh bash xml css jsonl ndjson patch diff lock proto tex"),
};

/** Names without an end that are texts. */
const TEXTS = new Set(["MLmodel", "MLproject", "Dockerfile", "Makefile", "LICENSE", "README", "requirements"]);

function ends(kind: FileKind, words: string): Record<string, FileKind> {
  return Object.fromEntries(words.split(" ").map((word) => [word, kind]));
}

/** How a file is shown, by its name. */
export function kindOf(path: string): FileKind {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (TEXTS.has(name)) return "text";
  const dot = name.lastIndexOf(".");
  return dot < 0 ? "none" : (BY_END[name.slice(dot + 1).toLowerCase()] ?? "none");
}

/** Whether a file is so large that only its beginning, or nothing, is shown. */
export function isTooLarge(kind: FileKind, size: number | null): boolean {
  const most = SHOWN_MAX[kind];
  return most !== null && size !== null && size > most;
}
