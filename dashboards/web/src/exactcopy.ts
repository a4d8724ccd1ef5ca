// What is copied has numbers as they were logged: the page shows them rounded, and an element says in `data-exact` what its
// text stands for.

/** Carries the exact text of what an element shows shortened. The element holds this text and nothing else. */
export const EXACT = "data-exact";

interface Rounded {
  readonly text: Text;
  readonly exact: string;
}

/** Puts exact values on the clipboard for those that are selected. Cells of a table are parted by tabs. */
export function copyExact(e: ClipboardEvent): void {
  const selection = document.getSelection();
  if (e.defaultPrevented || !e.clipboardData || selection?.rangeCount !== 1 || selection.isCollapsed || edited(e.target)) return;
  const rounded = roundedIn(selection.getRangeAt(0));
  if (rounded.length === 0) return;
  e.clipboardData.setData("text/plain", exactText(selection, rounded));
  e.preventDefault();
}

const edited = (target: EventTarget | null) => target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

function roundedIn(range: Range): readonly Rounded[] {
  const root = range.commonAncestorContainer;
  const element = root instanceof Element ? root : root.parentElement;
  const around = element?.closest(`[${EXACT}]`);
  const elements = around ? [around] : [...(element?.querySelectorAll(`[${EXACT}]`) ?? [])];
  return elements.flatMap((el) => {
    // Svelte marks places with empty texts.
    const texts = [...el.childNodes].filter((n) => n instanceof Text && n.data !== "");
    const [text] = texts as Text[];
    const exact = el.getAttribute(EXACT);
    return text && texts.length === 1 && exact !== null && exact !== text.data && isWhole(text, range) ? [{ text, exact }] : [];
  });
}

/** A part of a number is copied as it is; one without its sign, which a double click leaves out, is meant whole. */
function isWhole(text: Text, range: Range): boolean {
  if (!range.intersectsNode(text)) return false;
  const from = range.startContainer === text ? range.startOffset : 0;
  const to = range.endContainer === text ? range.endOffset : text.data.length;
  return bare(text.data.slice(from, to)) === bare(text.data);
}

const bare = (text: string) => text.trim().replace(/^[-−+]/, "");

/** The text of the selection while the exact values stand in the page: nobody sees that, as nothing is drawn before they are gone. */
function exactText(selection: Selection, rounded: readonly Rounded[]): string {
  const { anchorNode, anchorOffset, focusNode, focusOffset } = selection;
  const { startContainer, startOffset, endContainer, endOffset } = selection.getRangeAt(0);
  const shown = rounded.map((r) => r.text.data);
  const swapped = (node: Node) => rounded.some((r) => r.text === node);
  try {
    for (const { text, exact } of rounded) text.data = exact;
    const whole = document.createRange();
    whole.setStart(startContainer, swapped(startContainer) ? 0 : startOffset);
    whole.setEnd(endContainer, swapped(endContainer) ? (endContainer as Text).data.length : endOffset);
    selection.removeAllRanges();
    selection.addRange(whole);
    return tableText(whole) ?? selection.toString();
  } finally {
    rounded.forEach(({ text }, i) => (text.data = shown[i] as string));
    if (anchorNode && focusNode) selection.setBaseAndExtent(anchorNode, anchorOffset, focusNode, focusOffset);
  }
}

/**
 * What is selected in one table, a line a row and a tab between cells; null if it is not in a table, or in a single cell. The browser
 * itself breaks the line wherever something in a cell is a box.
 */
function tableText(range: Range): string | null {
  const root = range.commonAncestorContainer;
  const table = (root instanceof Element ? root : root.parentElement)?.closest("table");
  const rows = [...(table?.rows ?? [])].map((row) => [...row.cells].filter((cell) => range.intersectsNode(cell))).filter((cells) => cells.length > 0);
  if (rows.length === 0 || (rows.length === 1 && rows[0]?.length === 1)) return null;
  return rows.map((cells) => cells.map((cell) => cellText(cell, range)).join("\t")).join("\n");
}

/** A cell at an end of the selection may be chosen in part. */
function cellText(cell: HTMLElement, range: Range): string {
  const [first, last] = [cell.contains(range.startContainer), cell.contains(range.endContainer)];
  if (!first && !last) return oneLine(cell.innerText);
  const part = document.createRange();
  part.selectNodeContents(cell);
  if (first) part.setStart(range.startContainer, range.startOffset);
  if (last) part.setEnd(range.endContainer, range.endOffset);
  return oneLine(part.toString());
}

const oneLine = (text: string) => text.replace(/\s+/g, " ").trim();
