// How a hand moves and narrows what a chart shows: Shift or the middle button and a drag, the wheel, one finger, two fingers.
// A drag without Shift is uPlot's (chart.ts): it chooses a part.

import { panned, type Limits } from "./pan";

export interface Gestures {
  /** What is shown; null while nothing is. */
  limits(): Limits | null;
  /** Only a part is shown, so that there is something to move to. */
  part(): boolean;
  /** As far as values go, as far as that is known. */
  extent(): Limits | null;
  /** `factor` times as wide around `at`. */
  zoomed(from: Limits, at: number, factor: number): Limits | null;
  /** Shows a part at once; null: all. */
  show(limits: Limits | null): void;
  /** A movement has ended: what is shown now is wanted. */
  settle(): void;
}

const MIDDLE = 1;
/** A finger that moves less has tapped. */
const SLOP_PX = 6;
/** The wheel has come to rest. */
const REST_MS = 160;
/** A notch of a mouse's wheel counts no more than this, or it would be a jump. */
const NOTCH_MAX = 25;
const ZOOM_A_PX = 0.01;
const LINE_PX = 16;
/** Fingers so near to each other say nothing about a width. */
const PINCH_MIN_PX = 24;

/** Listens on the part of a chart where its lines are, until the answer is called. */
export function listen(over: HTMLElement, on: Gestures): () => void {
  const ends = [mouse(over, on), wheel(over, on), touch(over, on)];
  return () => ends.forEach((end) => end());
}

type Listener = (e: never) => void;

function listening(node: HTMLElement, listeners: Readonly<Record<string, Listener>>, options: AddEventListenerOptions = {}): () => void {
  const all = Object.entries(listeners) as [string, EventListener][];
  for (const [name, listener] of all) node.addEventListener(name, listener, options);
  return () => all.forEach(([name, listener]) => node.removeEventListener(name, listener, options));
}

/** How far from the left edge, and how wide the edge is away from the right one. */
const placeIn = (over: HTMLElement, clientX: number) => {
  const { left, width } = over.getBoundingClientRect();
  return { at: clientX - left, width };
};

const valueAt = ([from, to]: Limits, part: number) => from + (to - from) * part;

/** Shift or the middle button, and a drag. */
function mouse(over: HTMLElement, on: Gestures): () => void {
  let moved: { readonly pointer: number; readonly x: number; readonly limits: Limits } | null = null;
  const pans = (e: MouseEvent) => on.part() && (e.button === MIDDLE || (e.button === 0 && e.shiftKey));
  const end = (e: PointerEvent) => {
    if (moved?.pointer !== e.pointerId) return;
    moved = null;
    over.classList.remove("panning");
    on.settle();
  };
  return listening(over, {
    pointerdown(e: PointerEvent) {
      const limits = on.limits();
      if (e.pointerType === "touch" || !limits || !pans(e)) return;
      moved = { pointer: e.pointerId, x: e.clientX, limits };
      over.setPointerCapture(e.pointerId);
      over.classList.add("panning");
    },
    pointermove(e: PointerEvent) {
      if (moved?.pointer !== e.pointerId) return;
      on.show(panned(moved.limits, (moved.x - e.clientX) / over.clientWidth, on.extent()));
    },
    pointerup: end,
    pointercancel: end,
    // The middle button would begin to scroll, and Shift to select text.
    mousedown: (e: MouseEvent) => pans(e) && e.preventDefault(),
  });
}

/** To the sides it moves; with Ctrl, which is also how a pinch on a touchpad comes, it narrows and widens. */
function wheel(over: HTMLElement, on: Gestures): () => void {
  let rest: ReturnType<typeof setTimeout> | undefined;
  const settleSoon = () => {
    clearTimeout(rest);
    rest = setTimeout(() => on.settle(), REST_MS);
  };
  const turned = (e: WheelEvent) => {
    const limits = on.limits();
    const unit = e.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : LINE_PX;
    if (!limits) return;
    if (e.ctrlKey) {
      const by = Math.min(Math.max(e.deltaY * unit, -NOTCH_MAX), NOTCH_MAX);
      const { at, width } = placeIn(over, e.clientX);
      on.show(on.zoomed(limits, valueAt(limits, at / width), Math.exp(by * ZOOM_A_PX)));
    } else {
      // Some systems turn the wheel to the side while Shift is held, some leave that to the page.
      const across = e.shiftKey && e.deltaX === 0 ? e.deltaY : e.deltaX;
      if (!on.part() || across === 0 || (!e.shiftKey && Math.abs(across) < Math.abs(e.deltaY))) return;
      on.show(panned(limits, (across * unit) / over.clientWidth, on.extent()));
    }
    e.preventDefault();
    settleSoon();
  };
  const end = listening(over, { wheel: turned }, { passive: false });
  return () => (clearTimeout(rest), end());
}

interface Held {
  readonly limits: Limits;
  /** Pixels from the left edge; of two fingers their middle. */
  readonly at: number;
  readonly apart: number;
}

/**
 * One finger moves a part that is shown, if it goes to the side: up and down scrolls the page (`touch-action` in
 * Chart.svelte), and so does every way where all is shown. Two fingers narrow and widen.
 */
function touch(over: HTMLElement, on: Gestures): () => void {
  let held: Held | null = null;
  let moving = false;
  const hold = (e: TouchEvent): Held | null => {
    const limits = on.limits();
    const [a, b] = [e.touches[0], e.touches[1]];
    if (!limits || !a || e.touches.length > 2) return null;
    const { at } = placeIn(over, b ? (a.clientX + b.clientX) / 2 : a.clientX);
    return { limits, at, apart: b ? Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) : 0 };
  };
  const begin = (e: TouchEvent) => {
    held = e.touches.length > 1 || on.part() ? hold(e) : null;
    // Before the browser takes two fingers for its own.
    if (held && held.apart > 0 && e.cancelable) e.preventDefault();
  };
  const move = (e: TouchEvent) => {
    const now = held && hold(e);
    if (!held || !now) return;
    if (!moving && now.apart === 0 && Math.abs(now.at - held.at) < SLOP_PX) return;
    moving = true;
    if (e.cancelable) e.preventDefault();
    const { width } = over.getBoundingClientRect();
    const near = held.apart < PINCH_MIN_PX || now.apart < PINCH_MIN_PX;
    const limits = near ? held.limits : on.zoomed(held.limits, valueAt(held.limits, held.at / width), held.apart / now.apart);
    on.show(limits && panned(limits, (held.at - now.at) / width, on.extent()));
  };
  const end = (e: TouchEvent) => {
    const was = moving;
    // One of two fingers is left: it goes on from here.
    held = was && e.touches.length > 0 ? hold(e) : null;
    if (held) return;
    moving = false;
    if (was) on.settle();
  };
  return listening(over, { touchstart: begin, touchmove: move, touchend: end, touchcancel: end }, { passive: false });
}
