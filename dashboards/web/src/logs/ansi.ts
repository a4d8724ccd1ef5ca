// A console line with the colours that its program wrote, as parts of text. Pure.

export interface Part {
  readonly text: string;
  /** 0 to 15 of the terminal's colours; null for the page's own. */
  readonly colour: number | null;
  /** Behind the text. */
  readonly back: number | null;
  readonly bold: boolean;
  readonly faint: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly struck: boolean;
  /** Text and what is behind it have changed places. */
  readonly inverse: boolean;
}

type Look = Omit<Part, "text">;

export const PLAIN: Look = { colour: null, back: null, bold: false, faint: false, italic: false, underline: false, struck: false, inverse: false };

/** Colours of a terminal: CSI ... m; every other control sequence is left out. */
const SEQUENCE = /\u001b(?:\[([0-9;:?<=>]*)[ -/]*([@-~])|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\|$)|[ -/]*[0-~])/g;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
const ANY = /[\u0000-\u0008\u000b-\u001f\u007f]/;
const ERASED = /[^\u0008]\u0008/g;

/** Of a progress bar, which writes over itself, only its last state is shown. */
export function parseLine(line: string): Part[] {
  const text = lastState(line);
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

/** The text alone, as it is searched. */
export function plainText(line: string): string {
  const text = lastState(line);
  return ANY.test(text) ? text.replace(SEQUENCE, "").replace(CONTROL, "") : text;
}

function lastState(line: string): string {
  const shown = line.replace(/\r+$/, "");
  let text = shown.slice(shown.lastIndexOf("\r") + 1);
  // A counter that is written back over, too, letter by letter.
  for (let before = ""; text.includes("\u0008") && text !== before; ) [before, text] = [text, text.replace(ERASED, "")];
  return text;
}

/** Codes that switch something on or off. */
const SWITCHES: Readonly<Record<number, Partial<Look>>> = {
  ...{ 0: PLAIN, 1: { bold: true }, 2: { faint: true }, 3: { italic: true }, 4: { underline: true }, 7: { inverse: true }, 9: { struck: true } },
  ...{ 22: { bold: false, faint: false }, 23: { italic: false }, 24: { underline: false }, 27: { inverse: false }, 29: { struck: false } },
  ...{ 39: { colour: null }, 49: { back: null } },
};

function apply(look: Look, codes: string): Look {
  // 4:3 is an underline of another kind; 38:2::1:2:3 is a colour as 38;2;1;2;3.
  const numbers = codes.split(";").flatMap((code) => (/^[34]8:/.test(code) ? code.split(":").filter((n) => n !== "") : code.split(":").slice(0, 1))).map(Number);
  let now = look;
  for (let i = 0; i < numbers.length; i++) {
    const n = numbers[i] ?? 0;
    if (n in SWITCHES) now = { ...now, ...SWITCHES[n] };
    else if (n >= 30 && n <= 37) now = { ...now, colour: n - 30 };
    else if (n >= 90 && n <= 97) now = { ...now, colour: n - 90 + 8 };
    else if (n >= 40 && n <= 47) now = { ...now, back: n - 40 };
    else if (n >= 100 && n <= 107) now = { ...now, back: n - 100 + 8 };
    else if (n === 38 || n === 48) {
      const colour = numbers[i + 1] === 5 ? of256(numbers[i + 2] ?? 7) : nearest(numbers[i + 2] ?? 0, numbers[i + 3] ?? 0, numbers[i + 4] ?? 0);
      now = { ...now, [n === 38 ? "colour" : "back"]: colour };
      i += numbers[i + 1] === 5 ? 2 : 4;
    }
  }
  return now;
}

const LEVELS = [0, 95, 135, 175, 215, 255] as const;

function of256(n: number): number {
  if (n < 16) return Math.max(0, n);
  if (n >= 232) return n >= 244 ? 7 : 8;
  const at = (part: number) => LEVELS[Math.floor((n - 16) / part) % 6] ?? 0;
  return nearest(at(36), at(6), at(1));
}

/** Hues, in degrees, up to which a colour is called so: only the terminal's own are legible in both themes. */
const HUES = [[20, 1], [75, 3], [165, 2], [200, 6], [265, 4], [340, 5], [361, 1]] as const;

function nearest(r: number, g: number, b: number): number {
  const [most, least] = [Math.max(r, g, b), Math.min(r, g, b)];
  const spread = most - least;
  if (spread < 40) return most > 127 ? 7 : 8;
  const sixth = most === r ? (g - b) / spread : most === g ? 2 + (b - r) / spread : 4 + (r - g) / spread;
  const hue = (sixth * 60 + 360) % 360;
  return HUES.find(([to]) => hue < to)?.[1] ?? 7;
}

/** A part that is, or is not, what was searched for. */
export interface Marked extends Part {
  readonly hit: boolean;
}

/** The parts of a line, cut where a text that was searched for begins and ends, whatever its letters' case. */
export function marked(parts: readonly Part[], wanted: string): readonly Marked[] {
  const whole = parts.map((p) => p.text).join("");
  const lower = whole.toLowerCase();
  // A letter that grows in lower case would move all that follow.
  if (wanted === "" || lower.length !== whole.length) return parts.map((p) => ({ ...p, hit: false }));
  const edges: number[] = [];
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + wanted.length)) edges.push(at, at + wanted.length);
  let from = 0;
  return parts.flatMap((part) => {
    const [begin, end] = [from, from + part.text.length];
    from = end;
    const cuts = [begin, ...edges.filter((e) => e > begin && e < end), end];
    return cuts.slice(1).flatMap((to, i) => {
      const at = cuts[i] as number;
      if (to === at) return [];
      return [{ ...part, text: whole.slice(at, to), hit: edges.findLastIndex((e) => e <= at) % 2 === 0 }];
    });
  });
}
