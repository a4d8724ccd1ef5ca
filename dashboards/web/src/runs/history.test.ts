import { expect, test } from "vitest";

import { NO_HISTORY, redo, undo, withStep, type History } from "./history";

const step = (name: string, before: string, after: string) => ({ name, before, after });

test("steps are undone and done again by their names", () => {
  let h: History<string> = withStep(withStep<string>(NO_HISTORY, step("pin of a", "0", "1")), step("hiding of b", "1", "2"));
  const back = undo(h);
  expect(back?.step).toEqual(step("hiding of b", "1", "2"));
  h = back?.history as History<string>;
  expect(redo(h)?.step.after).toBe("2");
  expect(redo(withStep(h, step("x", "1", "3")))).toBeNull();
  expect(undo(NO_HISTORY)).toBeNull();
});

test("a width that goes on changing is one step", () => {
  const h = withStep(withStep<string>(NO_HISTORY, step("width of a", "0", "1")), step("width of a", "1", "2"));
  expect(h.done).toEqual([step("width of a", "0", "2")]);
});
