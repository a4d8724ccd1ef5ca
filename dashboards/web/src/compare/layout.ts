// How panels are laid out: which are pinned or hidden, their order and size; and the steps back and forth through layouts. Pure.

import type { Section } from "./sections";

/** In columns and rows of the grid. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Layout {
  /** Metrics whose panels stand above all sections, in this order, whatever is searched for. */
  readonly pins: readonly string[];
  readonly hidden: readonly string[];
  /** Metrics that stand first in their section, in this order; the others follow by name. */
  readonly order: readonly string[];
  readonly sizes: ReadonlyMap<string, Size>;
}

export const PINNED = "pinned";
export const SIZE_MAX = 4;
export const ONE: Size = { columns: 1, rows: 1 };
export const PLAIN_LAYOUT: Layout = { pins: [], hidden: [], order: [], sizes: new Map() };

/** Sections without hidden panels, in the wanted order, behind one of the pinned panels if there are any. */
export function arranged(sections: readonly Section[], { pins, hidden, order }: Layout): Section[] {
  const away = new Set([...pins, ...hidden]);
  const places = new Map(order.map((key, i) => [key, i]));
  const rest = sections.flatMap(({ keys, ...section }) => {
    const left = keys.filter((key) => !away.has(key));
    const moved = left.filter((key) => places.has(key)).sort((a, b) => (places.get(a) as number) - (places.get(b) as number));
    return left.length === 0 ? [] : [{ ...section, keys: [...moved, ...left.filter((key) => !places.has(key))] }];
  });
  return pins.length === 0 ? rest : [{ name: PINNED, keys: pins, pinned: true }, ...rest];
}

export const sizeOf = (layout: Layout, key: string): Size => layout.sizes.get(key) ?? ONE;

const without = (keys: readonly string[], key: string) => keys.filter((k) => k !== key);

function before(keys: readonly string[], key: string, next: string | null): readonly string[] {
  const others = without(keys, key);
  const at = next === null ? -1 : others.indexOf(next);
  return at < 0 ? [...others, key] : [...others.slice(0, at), key, ...others.slice(at)];
}

export function pin(layout: Layout, key: string, on: boolean, next: string | null = null): Layout {
  return { ...layout, pins: on ? before(layout.pins, key, next) : without(layout.pins, key) };
}

/** A hidden panel is not pinned any more. */
export function hide(layout: Layout, key: string, on: boolean): Layout {
  const hidden = without(layout.hidden, key);
  return { ...layout, hidden: on ? [...hidden, key] : hidden, pins: on ? without(layout.pins, key) : layout.pins };
}

/** Puts a panel before another of its section, or behind all (null). Of the order only what changes is kept. */
export function move(layout: Layout, section: Section, key: string, next: string | null): Layout {
  if (section.pinned) return pin(layout, key, true, next);
  const moved = before(section.keys, key, next);
  const natural = [...section.keys];
  let last = moved.length - 1;
  while (last >= 0 && moved[last] === natural[last] && !layout.order.includes(moved[last] as string)) last--;
  const kept = new Set(section.keys);
  return { ...layout, pins: without(layout.pins, key), order: [...layout.order.filter((k) => !kept.has(k)), ...moved.slice(0, last + 1)] };
}

/** One place forward (1) or back (-1). */
export function shift(layout: Layout, section: Section, key: string, by: 1 | -1): Layout {
  const at = section.keys.indexOf(key);
  if (at + by < 0 || at + by >= section.keys.length) return layout;
  return move(layout, section, key, section.keys[by > 0 ? at + 2 : at - 1] ?? null);
}

export function resize(layout: Layout, key: string, size: Size): Layout {
  const fit = (n: number) => Math.min(Math.max(Math.round(n), 1), SIZE_MAX);
  const [columns, rows] = [fit(size.columns), fit(size.rows)];
  const sizes = new Map(layout.sizes);
  sizes.delete(key);
  if (columns > 1 || rows > 1) sizes.set(key, { columns, rows });
  return { ...layout, sizes };
}

/** `loss:2x1` in the address. */
export function parseSize(text: string): readonly [string, Size] | null {
  const found = /^(.+):([1-4])x([1-4])$/s.exec(text);
  return found ? [found[1] as string, { columns: Number(found[2]), rows: Number(found[3]) }] : null;
}

export const formatSize = ([key, { columns, rows }]: readonly [string, Size]): string => `${key}:${columns}x${rows}`;

/** Layouts before and after the present one. */
export interface Steps<T> {
  readonly past: readonly T[];
  readonly future: readonly T[];
}

export const NO_STEPS: Steps<never> = { past: [], future: [] };
const STEPS_MAX = 100;

export function recorded<T>(steps: Steps<T>, now: T): Steps<T> {
  return { past: [...steps.past, now].slice(-STEPS_MAX), future: [] };
}

/** The steps and the layout after a step back; null if there is none. */
export function undone<T>({ past, future }: Steps<T>, now: T): readonly [Steps<T>, T] | null {
  const last = past[past.length - 1];
  return last === undefined ? null : [{ past: past.slice(0, -1), future: [now, ...future] }, last];
}

export function redone<T>({ past, future }: Steps<T>, now: T): readonly [Steps<T>, T] | null {
  const next = future[0];
  return next === undefined ? null : [{ past: [...past, now], future: future.slice(1) }, next];
}
