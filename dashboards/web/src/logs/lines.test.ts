import { expect, test } from "vitest";

import type { ConsoleLine } from "../api";
import { foundIn, Tail } from "./lines";

const line = (number: number, text: string): ConsoleLine => ({ timestamp: number, rank: 0, attempt: 0, stream: "stdout", number, text });

test("what is searched for is found whatever its letters' case, in lines without their colours", () => {
  const tail = new Tail();
  tail.add([line(1, "Loss \u001b[31mNaN\u001b[0m!"), line(2, "fine"), line(3, "a:  1%|"), line(4, "a: 50%|")]);
  const found = foundIn(tail.lines, { find: "nan!", bars: false });
  expect([found.lines.map((l) => l.number), found.folded, found.longest]).toEqual([[1], 1, 9]);
  expect(foundIn(tail.lines, { find: "", bars: true }).lines.length).toBe(4);
});

test("the oldest lines go, and are counted", () => {
  const tail = new Tail(10, 100);
  tail.add(Array.from({ length: 15 }, (_, i) => line(i, "x")));
  expect([tail.lines.length, tail.lines[0]?.number, tail.dropped]).toEqual([10, 5, 5]);
  tail.add([line(15, "y".repeat(98))]);
  expect(tail.lines.map((l) => l.number)).toEqual([13, 14, 15]);
  tail.add([line(16, "y".repeat(101))]);
  expect([tail.lines.length, tail.dropped]).toEqual([0, 17]);
});
