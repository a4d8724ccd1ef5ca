import { expect, test } from "vitest";

import { barState, foldedAway, type Lined } from "./bars";

test("bars of several libraries are known", () => {
  const states = ["epoch 1:  45%|████▌     | 45/100 [00:01<00:02, 30.1it/s]", " 45%|###  | 45/100", "Working ━━━━━━╸━━━━━  45% 0:00:12", " 45/100 ━━━━━━━━━━━ 1s 3ms/step - loss: 0.5"];
  expect(states.map(barState)).toEqual(["epoch 1:", "", "Working", ""].map((bar) => ({ bar, done: 0.45, endless: false })));
  expect(barState("7it [00:01,  5.2it/s]")).toEqual({ bar: "", done: 7, endless: true });
});

test("what only looks like one is none", () => {
  const lines = ["accuracy 45% (of 100)", "step 45/100 loss 0.5", "[12:01] 3/4 done", "100% sure", "loss: 0.5 [epoch 1]", ""];
  expect(lines.map(barState)).toEqual(lines.map(() => null));
});

const at = (text: string, writer = "a"): Lined => ({ writer, empty: text === "", bar: barState(text) });
const left = (lines: readonly Lined[]) => foldedAway(lines).flatMap((away, i) => (away ? [] : [i]));

test("of a bar's states the last stays, and every bar that came to its end", () => {
  const texts = ["out:   0%|", "in:  50%|", "in: 100%|", "", "in:  30%|", "out:  50%|", "in: 100%|", "out: 100%|"];
  expect(left(texts.map((t) => at(t)))).toEqual([2, 3, 6, 7]);
});

test("a line between, or another writer, keeps states apart", () => {
  expect(left([at("a:  1%|"), at("epoch done"), at("a:  2%|"), at("a:  3%|", "b"), at("hello", "b"), at("a:  4%|")])).toEqual([0, 1, 3, 4, 5]);
});

test("what begins anew is another bar", () => expect(left([at("90%|##"), at(" 0%|"), at("10%|")])).toEqual([0, 2]));
