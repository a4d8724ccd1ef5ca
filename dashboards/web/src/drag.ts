// Things that are dragged by mouse, pen or finger: columns of a table, panels of a grid. A mouse drags as soon as it moves; a
// finger must rest first, for one that moves at once scrolls. The browser's own drag and drop knows no fingers.

import type { Action } from "svelte/action";

/** A pointer that moves less has clicked. */
const SLOP_PX = 5;
/** A finger that rests so long means to drag. */
const HOLD_MS = 350;
/** So near to the edge of what scrolls, it scrolls, by so much a frame. */
const EDGE_PX = 36;
const EDGE_STEP_PX = 12;

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Drag {
  /** Null: it cannot be dragged now. */
  readonly can: boolean;
  /** What scrolls while something is held near its edges. */
  scrolled?(): HTMLElement | null;
  /** `by` is how far it was moved over what scrolls, in all. */
  move(at: Point, by: Point): void;
  /** Let go; null: given up, by Esc or because the browser took the pointer. */
  end(at: Point | null): void;
}

/** Makes a node a handle. */
export const draggable: Action<HTMLElement, Drag> = (node, first) => {
  let on = first;
  let held: Hold | null = null;
  const press = (e: PointerEvent) => {
    if (!on.can || e.button !== 0 || !e.isPrimary || held) return;
    held = new Hold(node, e, on, () => (held = null));
  };
  // It must be there before a finger comes, or the browser scrolls without asking.
  const touch = (e: TouchEvent) => held?.active && e.cancelable && e.preventDefault();
  const menu = (e: Event) => held?.touch && e.preventDefault();
  node.addEventListener("pointerdown", press);
  node.addEventListener("touchmove", touch, { passive: false });
  node.addEventListener("contextmenu", menu);
  return {
    update: (next) => (on = next),
    destroy() {
      held?.give();
      node.removeEventListener("pointerdown", press);
      node.removeEventListener("touchmove", touch);
      node.removeEventListener("contextmenu", menu);
    },
  };
};

/** One press of a handle. */
class Hold {
  active = false;
  readonly touch: boolean;
  readonly #over = new AbortController();
  readonly #from: Point;
  #at: Point;
  #frame = 0;
  /** What scrolls, as it was: the thing that is held must not make it larger. */
  #box: { readonly node: HTMLElement; readonly left: number; readonly top: number; readonly width: number; readonly height: number } | null = null;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly node: HTMLElement,
    private readonly pressed: PointerEvent,
    private readonly on: Drag,
    private readonly ended: () => void,
  ) {
    this.touch = pressed.pointerType === "touch";
    this.#from = this.#at = { x: pressed.clientX, y: pressed.clientY };
    const { signal } = this.#over;
    // On the window: a handle may leave the page while it is held.
    addEventListener("pointermove", (e) => e.pointerId === pressed.pointerId && this.#move(e), { signal });
    addEventListener("pointerup", (e) => e.pointerId === pressed.pointerId && this.#let({ x: e.clientX, y: e.clientY }), { signal });
    addEventListener("pointercancel", (e) => e.pointerId === pressed.pointerId && this.give(), { signal });
    addEventListener("keydown", (e) => this.active && e.key === "Escape" && (e.preventDefault(), e.stopPropagation(), this.give()), { signal, capture: true });
    if (this.touch) this.#timer = setTimeout(() => this.#begin(), HOLD_MS);
  }

  give(): void {
    this.#let(null);
  }

  #begin(): void {
    this.active = true;
    document.documentElement.classList.add("dragging");
    const node = this.on.scrolled?.() ?? null;
    this.#box = node && { node, left: node.scrollLeft, top: node.scrollTop, width: node.scrollWidth, height: node.scrollHeight };
    this.#carry();
    this.#scroll();
  }

  #move(e: PointerEvent): void {
    if (e.pointerType === "mouse" && e.buttons === 0) return this.give(); // let go where nobody saw it
    this.#at = { x: e.clientX, y: e.clientY };
    if (this.active) return this.#carry();
    if (Math.hypot(this.#at.x - this.#from.x, this.#at.y - this.#from.y) < SLOP_PX) return;
    if (this.touch) this.give();
    else this.#begin();
  }

  #carry(): void {
    const box = this.#box;
    const [x, y] = box ? [box.node.scrollLeft - box.left, box.node.scrollTop - box.top] : [0, 0];
    this.on.move(this.#at, { x: this.#at.x - this.#from.x + x, y: this.#at.y - this.#from.y + y });
  }

  #let(at: Point | null): void {
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.#over.abort();
    this.ended();
    if (!this.active) return;
    document.documentElement.classList.remove("dragging");
    // The click that comes of it was none.
    const none = (e: Event) => (e.preventDefault(), e.stopPropagation());
    this.node.addEventListener("click", none, { capture: true, once: true });
    setTimeout(() => this.node.removeEventListener("click", none, { capture: true }));
    this.on.end(at);
  }

  /** Near an edge of what scrolls, on and on. */
  #scroll(): void {
    const box = this.#box;
    if (!box) return;
    this.#frame = requestAnimationFrame(() => {
      const { node, width, height } = box;
      const { left, right, top, bottom } = node.getBoundingClientRect();
      const x = Math.min(edge(this.#at.x, left, right), width - node.clientWidth - node.scrollLeft);
      const y = Math.min(edge(this.#at.y, top, bottom), height - node.clientHeight - node.scrollTop);
      if (x !== 0 || y !== 0) {
        node.scrollBy(x, y);
        this.#carry();
      }
      this.#scroll();
    });
  }
}

/** How far to scroll with a pointer at a place between two edges. Pure. */
export function edge(at: number, low: number, high: number): number {
  if (high - low < 2 * EDGE_PX) return 0;
  return at < low + EDGE_PX ? -EDGE_STEP_PX : at > high - EDGE_PX ? EDGE_STEP_PX : 0;
}

/** A place where things can be let go. */
export interface Place {
  takes(key: string): boolean;
  /** Something is held over it, or no longer. */
  over(on: boolean): void;
  drop(key: string): void;
}

const places = new WeakMap<Element, Place>();

export const droppable: Action<HTMLElement, Place> = (node, place) => {
  places.set(node, place);
  return { update: (next) => void places.set(node, next), destroy: () => void places.delete(node) };
};

/** The place at a point that takes what is dragged; what lies over it does not matter. */
export function placeAt(at: Point, key: string): Place | null {
  for (const node of document.elementsFromPoint(at.x, at.y)) {
    const place = places.get(node);
    if (place?.takes(key)) return place;
  }
  return null;
}
