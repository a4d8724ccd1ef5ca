import { beforeEach, describe, expect, test } from "vitest";

import { Hub, PAIRS_MAX, union, type Refusal, type StreamEvents, type ToPage, type Want } from "./hub";
import type { LiveLine } from "./merge";

/** A world whose clock and answers the test moves. */
class Stage {
  readonly sent: { stream: string; want: Want }[] = [];
  readonly streams: StreamEvents[] = [];
  closed = 0;
  #answers: ((refusal: Refusal | null) => void)[] = [];
  #timers: { ms: number; then: () => void }[] = [];

  open(on: StreamEvents) {
    this.streams.push(on);
    return () => void this.closed++;
  }

  subscribe(stream: string, want: Want) {
    this.sent.push({ stream, want });
    return new Promise<Refusal | null>((done) => this.#answers.push(done));
  }

  after(ms: number, then: () => void) {
    const timer = { ms, then };
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((t) => t !== timer));
  }

  /** Lets timers up to a length run. */
  pass(ms = 10_000) {
    const due = this.#timers.filter((t) => t.ms <= ms);
    this.#timers = this.#timers.filter((t) => t.ms > ms);
    for (const timer of due) timer.then();
  }

  async answer(refusal: Refusal | null = null) {
    this.#answers.shift()?.(refusal);
    await Promise.resolve();
    await Promise.resolve();
  }

  get stream(): StreamEvents {
    return this.streams[this.streams.length - 1] as StreamEvents;
  }
}

const line = (run: string, key: string): LiveLine => ({ run_id: run, key, attempt: 0, lane: 0, seq: [1], step: [0], time: [0], value: [1] });

let stage: Stage;
let hub: Hub;

beforeEach(() => {
  stage = new Stage();
  hub = new Hub(stage);
});

function join() {
  const heard: ToPage[] = [];
  const say = hub.join((m) => heard.push(m));
  const kinds = (kind: ToPage["kind"]) => heard.filter((m) => m.kind === kind);
  return { say, heard, kinds, want: (version: number, ...want: Want) => say({ kind: "want", version, want }) };
}

/** A page whose wish is active. */
async function active(run = "a", ...keys: string[]) {
  const page = join();
  page.want(1, [run, keys]);
  stage.pass();
  stage.stream.hello("s1", false);
  await stage.answer();
  return page;
}

test("nothing is opened before a page wants something", () => {
  join();
  stage.pass();
  expect(stage.streams).toHaveLength(0);
});

test("a wish is active once the server has it", async () => {
  const page = join();
  page.want(1, ["a", ["loss"]]);
  stage.pass();
  stage.stream.hello("s1", false);
  expect(stage.sent).toEqual([{ stream: "s1", want: [["a", ["loss"]]] }]);
  expect(page.kinds("active")).toEqual([]);
  await stage.answer();
  expect(page.kinds("active")).toEqual([{ kind: "active", version: 1, fresh: true }]);
});

test("pages share the stream, and each hears its own", async () => {
  const first = await active("a", "loss");
  const second = join();
  second.want(1, ["a", ["acc"]], ["b", ["loss"]]);
  stage.pass();
  expect(stage.streams).toHaveLength(1);
  expect(stage.sent[1]?.want).toEqual([["a", ["loss", "acc"]], ["b", ["loss"]]]);
  await stage.answer();
  stage.stream.points([line("a", "loss"), line("b", "loss")]);
  expect(first.kinds("points")).toEqual([{ kind: "points", lines: [line("a", "loss")] }]);
  expect(second.kinds("points")).toEqual([{ kind: "points", lines: [line("b", "loss")] }]);
});

test("wishes of one moment are one request, and later ones wait for its answer", async () => {
  const page = await active("a", "loss");
  page.want(2, ["a", ["x"]]);
  page.want(3, ["a", ["y"]]);
  stage.pass();
  expect(stage.sent).toHaveLength(2);
  page.want(4, ["a", ["z"]]);
  stage.pass();
  expect(stage.sent).toHaveLength(2);
  await stage.answer();
  expect(page.kinds("active").at(-1)).toEqual({ kind: "active", version: 3, fresh: false });
  expect(stage.sent[2]?.want).toEqual([["a", ["z"]]]);
  await stage.answer();
  expect(page.kinds("active").at(-1)).toEqual({ kind: "active", version: 4, fresh: false });
});

describe("a lost connection", () => {
  test("is said, and healed by a resumed stream, whose reset reads again", async () => {
    const page = await active("a", "loss");
    stage.stream.broken(false);
    expect(page.heard.at(-1)).toMatchObject({ kind: "connection", connection: "lost" });
    stage.stream.hello("s1", true);
    stage.stream.reset();
    expect(page.kinds("connection").at(-1)).toMatchObject({ connection: "open" });
    expect(page.kinds("reset")).toHaveLength(1);
  });

  test("that comes back as another stream is told everything again, and pages read again", async () => {
    const page = await active("a", "loss");
    stage.stream.broken(false);
    stage.stream.hello("s2", false);
    expect(stage.sent.at(-1)).toEqual({ stream: "s2", want: [["a", ["loss"]]] });
    await stage.answer();
    expect(page.kinds("active").at(-1)).toEqual({ kind: "active", version: 1, fresh: true });
  });

  test("that does not come back by itself is opened anew", async () => {
    await active("a", "loss");
    stage.stream.broken(true);
    stage.pass();
    stage.pass();
    expect(stage.streams).toHaveLength(2);
  });

  test("that the server has forgotten is opened anew", async () => {
    const page = await active("a", "loss");
    page.want(2, ["a", ["x"]]);
    stage.pass();
    await stage.answer({ reason: "stream", message: "" });
    expect(page.heard.at(-1)).toMatchObject({ connection: "lost" });
    stage.pass();
    stage.pass();
    expect(stage.streams).toHaveLength(2);
  });
});

test("what the server refuses is told", async () => {
  const page = await active("a", "loss");
  page.want(2, ["gone", ["x"]]);
  stage.pass();
  await stage.answer({ reason: "refused", message: "no such run" });
  expect(page.heard.at(-1)).toMatchObject({ connection: "open", refused: "no such run" });
});

test("when no page wants anything the stream is closed", async () => {
  const page = await active("a", "loss");
  page.say({ kind: "bye" });
  stage.pass();
  expect(stage.closed).toBe(1);
});

test("a page that fell silent is forgotten, and comes back by speaking", async () => {
  const page = await active("a", "loss");
  stage.pass(1_000_000);
  stage.pass();
  expect(stage.closed).toBe(1);
  page.want(2, ["a", ["loss"]]);
  stage.pass();
  expect(stage.streams).toHaveLength(2);
});

test("more than a server takes is left out and counted", () => {
  const many = Array.from({ length: PAIRS_MAX + 5 }, (_, i) => `k${i}`);
  const { want, leftOut } = union([[["a", many]], [["b", ["x"]], ["a", ["k0"]]]]);
  expect(leftOut).toBe(6);
  expect(want[0]?.[1]).toHaveLength(PAIRS_MAX);
});
