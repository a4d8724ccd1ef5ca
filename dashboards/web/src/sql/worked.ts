// The worked queries of docs/sql.md, which the page SQL offers to begin with. They are read when the page is built.

export interface Worked {
  readonly title: string;
  readonly text: string;
  readonly query: string;
  /** Names of the documentation's example in it, in the order in which they stand: somebody else's data has others. */
  readonly names: readonly string[];
}

/** A heading with a number, a sentence or none, and the query: as clients/python/tests/test_sql.py reads it. */
const SECTION = /^### \d+\. ([^\n]+)\n((?:(?!^### ).)*?)```sql\n(.*?)```/gms;

/** What the views themselves call things; every other text in quotes is a name that somebody gave. */
const WORDS = new Set(
  "RUNNING FINISHED FAILED KILLED SCHEDULED OK ERROR None Staging Production Archived run model version dataset source endpoint commit job training hour day week".split(" "),
);

export function workedIn(page: string): Worked[] {
  return [...page.matchAll(SECTION)].map(([, title = "", text = "", query = ""]) => ({
    title: title.trim(),
    text: plain(text),
    query: query.trimEnd(),
    names: namesIn(query),
  }));
}

function namesIn(query: string): string[] {
  const quoted = [...query.matchAll(/'([^']*)'/g)].map(([, text = ""]) => text);
  return [...new Set(quoted.filter((text) => /\w/.test(text) && !text.includes("%") && !WORDS.has(text)))];
}

/** A paragraph of Markdown as a line of text. */
function plain(text: string): string {
  return text.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, "").replace(/\s+/g, " ").trim();
}
