// What was done to the layout of the table, so that it can be undone and done again. Pure.

export interface Step<T> {
  /** What was done, as "width of loss". */
  readonly name: string;
  readonly before: T;
  readonly after: T;
}

export interface History<T> {
  readonly done: readonly Step<T>[];
  readonly undone: readonly Step<T>[];
}

export const NO_HISTORY: History<never> = { done: [], undone: [] };
const STEPS_MAX = 100;

/** With a step more. Steps of one name that follow each other, as a width that is dragged, are one. */
export function withStep<T>(history: History<T>, step: Step<T>): History<T> {
  const last = history.done.at(-1);
  const joined = last?.name === step.name && last.after === step.before;
  const done = joined ? [...history.done.slice(0, -1), { ...step, before: last.before }] : [...history.done, step];
  return { done: done.slice(-STEPS_MAX), undone: [] };
}

export function undo<T>(history: History<T>): { readonly history: History<T>; readonly step: Step<T> } | null {
  const step = history.done.at(-1);
  return step ? { step, history: { done: history.done.slice(0, -1), undone: [...history.undone, step] } } : null;
}

export function redo<T>(history: History<T>): { readonly history: History<T>; readonly step: Step<T> } | null {
  const step = history.undone.at(-1);
  return step ? { step, history: { done: [...history.done, step], undone: history.undone.slice(0, -1) } } : null;
}
