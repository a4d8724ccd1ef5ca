// What is typed into the search for panels. Pure.

/** How the server is asked for names, in the words of GET /v1/runs/{id}/metrics. */
export type NameQuery = Readonly<Partial<Record<"contains" | "like" | "regex", string>>>;

export interface Pattern {
  readonly query: NameQuery;
  /** Says the same of one name here, so that names that are loaded need no request. */
  matches(name: string): boolean;
}

const ALL: Pattern = { query: {}, matches: () => true };

/**
 * Reads a pattern: `/^layers.*grad/` is a regular expression, `layers/*` with its stars matches whole names, anything else a part of the
 * name, case ignored. Null: a regular expression that is none.
 */
export function parsePattern(text: string): Pattern | null {
  const typed = text.trim();
  if (typed === "") return ALL;
  const regex = /^\/(.+)\/$/.exec(typed)?.[1];
  if (regex !== undefined) return regular(regex);
  if (typed.includes("*")) return glob(typed);
  const lower = typed.toLowerCase();
  return { query: { contains: typed }, matches: (name) => name.toLowerCase().includes(lower) };
}

function regular(source: string): Pattern | null {
  try {
    const compiled = new RegExp(source, "u");
    return { query: { regex: source }, matches: (name) => compiled.test(name) };
  } catch {
    return null;
  }
}

function glob(text: string): Pattern {
  const pieces = text.split("*");
  const like = pieces.map((piece) => piece.replace(/[\\%_]/g, "\\$&")).join("%");
  const compiled = new RegExp(`^${pieces.map((piece) => piece.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join(".*")}$`, "su");
  return { query: { like }, matches: (name) => compiled.test(name) };
}
