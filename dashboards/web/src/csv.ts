// A field of CSV (RFC 4180).

/** A text that a spreadsheet would take for a formula gets an apostrophe before it. */
export function csvField(value: string | number | null | undefined): string {
  if (typeof value === "number") return String(value);
  const text = (value ?? "").replace(/^[=+\-@\t\r]/, "'$&");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
