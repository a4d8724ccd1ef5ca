// Views that a reader has given a name, kept in the browser. A view is its address, so a saved one is a link.

export interface SavedView {
  readonly name: string;
  readonly hash: string;
}

const KEY = "streamgauge.views";
/** More would not be found again in a list. */
export const VIEWS_MAX = 100;

/** The browser's store; null where pages have none. */
export function viewStore(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

/** Reads what is stored; what is none of ours, or was damaged, is left out. */
export function readViews(storage: Pick<Storage, "getItem"> | null): readonly SavedView[] {
  try {
    const list: unknown = JSON.parse(storage?.getItem(KEY) ?? "[]");
    return Array.isArray(list) ? list.filter(isView).slice(0, VIEWS_MAX) : [];
  } catch {
    return [];
  }
}

function isView(v: unknown): v is SavedView {
  const { name, hash } = (v ?? {}) as Partial<SavedView>;
  return typeof name === "string" && name !== "" && typeof hash === "string" && hash.startsWith("#/");
}

/** The list with a view in it, the newest first; a name stands for one view. */
export function withView(views: readonly SavedView[], view: SavedView): readonly SavedView[] {
  return [view, ...views.filter((v) => v.name !== view.name)].slice(0, VIEWS_MAX);
}

/** Whether the browser has kept it: its store may be full, or closed to pages. */
export function writeViews(storage: Pick<Storage, "setItem"> | null, views: readonly SavedView[]): boolean {
  try {
    storage?.setItem(KEY, JSON.stringify(views));
    return storage !== null;
  } catch {
    return false;
  }
}
