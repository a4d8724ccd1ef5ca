// Rows of a CSV file (RFC 4180), as far as they are wanted. Pure.

const SEPARATORS = [",", ";", "\t", "|"] as const;

/** The separator that stands most often in the first line. */
export function separatorOf(text: string): string {
  const first = text.slice(0, Math.max(0, text.indexOf("\n")) || text.length);
  const often = (mark: string) => first.split(mark).length;
  return [...SEPARATORS].sort((a, b) => often(b) - often(a))[0] ?? ",";
}

/** At most so many rows of a text; a field in quotes may hold separators, line ends and doubled quotes. */
export function parseCsv(text: string, separator: string, rowsMax: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let quoted = false;
  const end = () => {
    row.push(field);
    field = "";
  };
  const endRow = () => {
    end();
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
  };
  for (let i = 0; i < text.length && rows.length < rowsMax; i++) {
    const c = text[i] ?? "";
    if (quoted) {
      if (c !== '"') field += c;
      else if (text[i + 1] === '"') field += text[++i];
      else quoted = false;
    } else if (c === '"' && field === "") quoted = true;
    else if (c === separator) end();
    else if (c === "\n") endRow();
    else if (c !== "\r") field += c;
  }
  if (rows.length < rowsMax && (field !== "" || row.length > 0)) endRow();
  return rows;
}
