// A console line with the colours that its program wrote, as parts of text. Pure.

export interface Part {
  readonly text: string;
  /** 0 to 15 of the terminal's colours; null for the page's own. */
  readonly colour: number | null;
  readonly bold: boolean;
  readonly faint: boolean;
}

type Look = Omit<Part, "text">;

const PLAIN: Look = { colour: null, bold: false, faint: false };

/** Colours of a terminal: CSI ... m; every other control sequence is left out. */
const SEQUENCE = /\u001b(?:\[([0-9;:]*)([A-Za-z])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** Of a progress bar, which writes over itself, only its last state is shown. */
export function parseLine(line: string): Part[] {
  const shown = line.replace(/\r+$/, "");
  const text = shown.slice(shown.lastIndexOf("\r") + 1);
  const parts: Part[] = [];
  let look = PLAIN;
  let from = 0;
  const push = (piece: string) => {
    const clean = piece.replace(CONTROL, "");
    if (clean !== "") parts.push({ ...look, text: clean });
  };
  for (const match of text.matchAll(SEQUENCE)) {
    push(text.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") look = apply(look, match[1] ?? "");
  }
  push(text.slice(from));
  return parts;
}

function apply(look: Look, codes: string): Look {
  const numbers = codes.split(/[;:]/).map(Number);
  let now = look;
  for (let i = 0; i < numbers.length; i++) {
    const n = numbers[i] ?? 0;
    if (n === 0) now = PLAIN;
    else if (n === 1) now = { ...now, bold: true };
    else if (n === 2) now = { ...now, faint: true };
    else if (n === 22) now = { ...now, bold: false, faint: false };
    else if (n >= 30 && n <= 37) now = { ...now, colour: n - 30 };
    else if (n >= 90 && n <= 97) now = { ...now, colour: n - 90 + 8 };
    else if (n === 39) now = { ...now, colour: null };
    else if (n === 38 || n === 48) {
      // 38;5;N and 38;2;R;G;B: of the 256 the first 16 are known here, others stay plain.
      const known = numbers[i + 1] === 5 ? (numbers[i + 2] ?? 16) : 16;
      if (n === 38) now = { ...now, colour: known < 16 ? known : null };
      i += numbers[i + 1] === 5 ? 2 : 4;
    }
  }
  return now;
}

/** The text alone, as it is searched. */
export function plainText(line: string): string {
  return parseLine(line)
    .map((p) => p.text)
    .join("");
}
