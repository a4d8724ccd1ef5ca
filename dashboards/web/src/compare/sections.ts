// Charts in sections by the prefix of their metric. Pure.

/** Metrics without a prefix. */
export const PLAIN = "charts";
/** Of the machine and not of the training: they stand last. */
const MACHINE = /^(system|rank_\d+)$/;

export interface Section {
  readonly name: string;
  readonly keys: readonly string[];
  /** Of panels that were pinned, and not of a prefix. */
  readonly pinned?: boolean;
  /** How panels are called here, where not by what stands behind the section's name. */
  readonly titles?: ReadonlyMap<string, string>;
}

/** `train/loss` stands in section train; what has no prefix comes first, machines last, the others by name. */
export function sectionsOf(keys: Iterable<string>): Section[] {
  const sections = new Map<string, string[]>();
  for (const key of keys) {
    const name = sectionOf(key);
    const section = sections.get(name);
    if (section) section.push(key);
    else sections.set(name, [key]);
  }
  const rank = (name: string) => (name === PLAIN ? 0 : MACHINE.test(name) ? 2 : 1);
  return [...sections]
    .map(([name, list]) => ({ name, keys: list.sort(byNumbers) }))
    .sort((a, b) => rank(a.name) - rank(b.name) || byNumbers(a.name, b.name));
}

export function sectionOf(key: string): string {
  const slash = key.indexOf("/");
  return slash > 0 ? key.slice(0, slash) : PLAIN;
}

/**
 * Which sections are open: the first, and those after it as long as all together hold few panels. `turned` has what a reader
 * decided, `+name` or `-name`: said outright, because what is open at first changes as metrics come.
 */
export function opened(sections: readonly Section[], turned: readonly string[], panelsMax: number): ReadonlySet<string> {
  const open = new Set<string>();
  let panels = 0;
  const leading = sections[0]?.pinned ? 1 : 0;
  sections.forEach(({ name, keys }, i) => {
    panels += keys.length;
    const atFirst = i <= leading || panels <= panelsMax;
    if (turned.includes(`+${name}`) || (atFirst && !turned.includes(`-${name}`))) open.add(name);
  });
  return open;
}

/** What a reader decided, with one more decision. */
export function turn(turned: readonly string[], name: string, open: boolean): readonly string[] {
  return [...turned.filter((t) => t.slice(1) !== name), (open ? "+" : "-") + name];
}

const collator = new Intl.Collator("en", { numeric: true });

/** layer 2 before layer 10. */
function byNumbers(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}
