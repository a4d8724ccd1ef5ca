import { expect, test } from "vitest";

import { Turns } from "./turns";

function world() {
  const frames: (() => void)[] = [];
  let time = 0;
  const turns = new Turns((then) => frames.push(then), () => time);
  const done: string[] = [];
  const draw = (name: string, ms: number) => () => {
    time += ms;
    done.push(name);
  };
  return { turns, done, draw, frames, next: () => frames.shift()?.() };
}

test("a frame draws until its time is over, and the next one goes on", () => {
  const { turns, done, draw, frames, next } = world();
  for (const name of ["a", "b", "c"]) turns.take({}, draw(name, 4));
  expect(frames).toHaveLength(1);
  next();
  expect(done).toEqual(["a", "b"]);
  next();
  expect(done).toEqual(["a", "b", "c"]);
  expect(frames).toHaveLength(0);
});

test("a drawing that is slower than a frame is done all the same", () => {
  const { turns, done, draw, next } = world();
  turns.take({}, draw("slow", 100));
  next();
  expect(done).toEqual(["slow"]);
});

test("only the latest drawing of an owner is done, and none after it has ended", () => {
  const { turns, done, draw, next } = world();
  const [one, other] = [{}, {}];
  turns.take(one, draw("old", 1));
  turns.take(other, draw("gone", 1));
  turns.take(one, draw("new", 1));
  turns.leave(other);
  next();
  expect(done).toEqual(["new"]);
});
