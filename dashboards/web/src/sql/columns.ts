// Which columns are meant by the beginning of a word in a statement. Pure.

import type { SqlView } from "./ask";
import { KEYWORDS } from "./dialect";

export interface OfferedColumn {
  readonly name: string;
  readonly type: string;
  readonly comment: string;
  /** The views that have it; the first of them says type and comment. */
  readonly views: readonly string[];
}

const WORDS = new Set(KEYWORDS.split(" "));
/** What is likely meant where a statement has no view yet: columns such as from_id stand back. */
const CLAUSES = ["from", "where", "group", "order", "having", "limit"];
const CLAUSE_LETTERS = 2;

/**
 * The columns that a word begins, or one of whose parts it begins (id: run_id), those that begin with it first, and
 * among those the ones that most views have. They are of the views that the statement names, else of all.
 */
export function columnsFor(views: readonly SqlView[], statement: string, word: string): readonly OfferedColumn[] {
  const wanted = word.toLowerCase();
  const named = new Set(statement.toLowerCase().match(/\bsg\.\w+/g));
  const some = views.filter((v) => named.has(v.name.toLowerCase()));
  if (some.length === 0 && wanted.length >= CLAUSE_LETTERS && CLAUSES.some((c) => c.startsWith(wanted))) return [];
  const found = new Map<string, OfferedColumn>();
  for (const view of some.length > 0 ? some : views) {
    for (const c of view.columns) {
      const before = found.get(c.name);
      found.set(c.name, before ? { ...before, views: [...before.views, view.name] } : { ...c, views: [view.name] });
    }
  }
  const rank = ({ name }: OfferedColumn) => {
    const lower = name.toLowerCase();
    if (lower === wanted) return 0;
    // A word of the language that is written out is that word, whatever begins with it.
    if (WORDS.has(wanted)) return null;
    return lower.startsWith(wanted) ? 1 : lower.includes(`_${wanted}`) ? 2 : null;
  };
  return [...found.values()]
    .flatMap((column) => {
      const at = rank(column);
      return at === null ? [] : [{ column, at }];
    })
    .sort((a, b) => a.at - b.at || b.column.views.length - a.column.views.length || a.column.name.localeCompare(b.column.name))
    .map(({ column }) => column);
}
