import { expect, test } from "vitest";

import { Turns } from "./turns";

function world() {
  const frames: (() => void)[] = [];
  let time = 0;
  const turns = new Turns(undefined, (then) => frames.push(then), () => time);
  const done: string[] = [];
  const draw = (name: string, ms: number) => () => {
    time += ms;
    done.push(name);
  };
  /** The next frame, so long after the last one. */
  const next = (after = 0) => {
    time += after;
    frames.shift()?.();
  };
  return { turns, done, draw, frames, next };
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

test("frames that come late draw less, until they come in time", () => {
  const { turns, done, draw, next } = world();
  const perFrame = (after: number) => {
    done.length = 0;
    next(after);
    return done.length;
  };
  for (let i = 0; i < 100; i++) turns.take({}, draw("chart", 0));
  const first = perFrame(16);
  const late = [50, 50, 50, 50, 50, 50].map(perFrame);
  expect(late[0]).toBeLessThan(first);
  expect(late[late.length - 1]).toBe(2);
  const inTime = Array.from({ length: 11 }, () => perFrame(16));
  expect(inTime[0]).toBe(2);
  expect(inTime[inTime.length - 1]).toBe(4);
});

test("what comes of a drawing is drawn with it", () => {
  const { turns, done, draw, frames, next } = world();
  const chart = {};
  turns.take({}, () => turns.take(chart, draw("chart", 1)));
  turns.take(chart, draw("old", 1));
  next();
  expect(done).toEqual(["chart"]);
  expect(frames).toHaveLength(0);
});
