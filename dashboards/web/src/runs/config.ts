// The params of a run as a tree: keys nest at "." and "/", values that are JSON nest by theirs. Pure.
//
//   params -> configTree -> seenRows; of a JSON file files/json.ts makes the tree

export interface ConfigNode {
  /** What stands in the row: the part of the key below its parent, of several steps if there is nothing beside them. */
  readonly key: string;
  /** Unlike that of any other node. */
  readonly path: string;
  /** As it was logged, or as it stands in its JSON; null of a node that only holds others. */
  readonly value: string | null;
  /** The value as it stands in its row, if that is not the value. */
  readonly shown?: string;
  /** What a node without a value holds: `120 items`. */
  readonly note?: string | undefined;
  /** Its children are out of sight at first: they were read out of its value, or they are many. */
  readonly folded: boolean;
  readonly children: readonly ConfigNode[];
}

/** JSON of more characters, or nested deeper, stays a text. */
const JSON_MAX = 65_536;
const DEPTH_MAX = 32;
/** A list of plain values that is not longer is read best in its row. */
const LIST_MAX = 60;
/** Digits that a double may not hold. */
const LONG_NUMBER = /\d{16}/;

interface Branch {
  value: string | null;
  readonly parts: Map<string, Branch>;
}

export function configTree(params: ReadonlyMap<string, string>): readonly ConfigNode[] {
  const top: Branch = { value: null, parts: new Map() };
  for (const [key, value] of params) {
    let at = top;
    for (const part of partsOf(key)) {
      let next = at.parts.get(part);
      if (!next) at.parts.set(part, (next = { value: null, parts: new Map() }));
      at = next;
    }
    at.value = value;
  }
  return nodesOf(top, "");
}

/** Parts hold the separator before them. A key with an empty part, or of very many, is no path. */
function partsOf(key: string): readonly string[] {
  const parts = key.match(/[./]?[^./]+/g) ?? [];
  return parts.length === 0 || parts.length > DEPTH_MAX || parts.join("") !== key || /^[./]/.test(key) ? [key] : parts;
}

function nodesOf(branch: Branch, before: string): readonly ConfigNode[] {
  return [...branch.parts].map(([part, first]) => {
    let [key, at] = [part, first];
    for (let only = onlyOf(at); only; only = onlyOf(at)) {
      key += only[0];
      at = only[1];
    }
    const path = before + key;
    const below = nodesOf(at, path);
    const inside = at.value === null ? [] : insideOf(at.value, path);
    return { key: before === "" ? key : key.slice(1), path, value: at.value, folded: inside.length > 0, children: [...inside, ...below] };
  });
}

const onlyOf = ({ value, parts }: Branch) => (value === null && parts.size === 1 ? [...parts][0] : undefined);

function insideOf(text: string, path: string): readonly ConfigNode[] {
  if (!/^\s*[[{]/.test(text) || text.length > JSON_MAX || LONG_NUMBER.test(text)) return [];
  try {
    return valuesOf(JSON.parse(text), text.trim(), path, 0);
  } catch {
    return [];
  }
}

function valuesOf(value: unknown, text: string, path: string, depth: number): readonly ConfigNode[] {
  if (typeof value !== "object" || value === null || depth >= DEPTH_MAX) return [];
  if (Array.isArray(value) && text.length <= LIST_MAX && value.every((v) => typeof v !== "object" || v === null)) return [];
  return Object.entries(value as Record<string, unknown>).map(([key, child]) => {
    const inner = typeof child === "string" ? child : JSON.stringify(child);
    // A line break is in no key of a param that nests.
    const at = `${path}\n${key}`;
    const children = typeof child === "string" ? [] : valuesOf(child, inner, at, depth + 1);
    return { key, path: at, value: inner, folded: children.length > 0, children };
  });
}

export interface ConfigRow {
  readonly node: ConfigNode;
  /** From 0. */
  readonly depth: number;
  readonly open: boolean;
}

/** Groups of keys are open at first; JSON stands as its text. */
export function openAtFirst(node: ConfigNode): boolean {
  return !node.folded;
}

/**
 * The rows that are seen, from the top. `turned` holds the paths of nodes that are not as at first. A search shows what has its
 * text in the key, the path or the value, all below that, and what is above.
 */
export function seenRows(tree: readonly ConfigNode[], turned: ReadonlySet<string>, search: string): readonly ConfigRow[] {
  const wanted = search.trim().toLowerCase();
  const rows: ConfigRow[] = [];
  const walk = (nodes: readonly ConfigNode[], depth: number, all: boolean) => {
    for (const node of nodes) {
      const own = all || fits(node, wanted);
      const below = !own && node.children.some((child) => reaches(child, wanted));
      if (!own && !below) continue;
      const open = node.children.length > 0 && (below || openAtFirst(node) !== turned.has(node.path));
      rows.push({ node, depth, open });
      if (open) walk(node.children, depth + 1, own);
    }
  };
  walk(tree, 0, wanted === "");
  return rows;
}

function fits({ path, value }: ConfigNode, wanted: string): boolean {
  return path.replaceAll("\n", ".").toLowerCase().includes(wanted) || (value?.toLowerCase().includes(wanted) ?? false);
}

function reaches(node: ConfigNode, wanted: string): boolean {
  return fits(node, wanted) || node.children.some((child) => reaches(child, wanted));
}
