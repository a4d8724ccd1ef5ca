import { expect, test } from "vitest";

import { marked, parseLine, PLAIN, plainText } from "./ansi";

const ESC = "\u001b";

test("a line without colours is one part", () => expect(parseLine("epoch 1")).toEqual([{ ...PLAIN, text: "epoch 1" }]));

test("colours begin and end", () => {
  expect(parseLine(`${ESC}[1;31merror${ESC}[0m: no ${ESC}[92mway${ESC}[39m!`)).toEqual([
    { ...PLAIN, text: "error", colour: 1, bold: true },
    { ...PLAIN, text: ": no " },
    { ...PLAIN, colour: 10, text: "way" },
    { ...PLAIN, text: "!" },
  ]);
});

test("what is behind, italic, underlined, struck and inverse", () => {
  expect(parseLine(`${ESC}[3;4;41ma${ESC}[23;24;9mb${ESC}[29;49;7mc${ESC}[md`)).toEqual([
    { ...PLAIN, text: "a", italic: true, underline: true, back: 1 },
    { ...PLAIN, text: "b", struck: true, back: 1 },
    { ...PLAIN, text: "c", inverse: true },
    { ...PLAIN, text: "d" },
  ]);
});

test("of many colours the terminal's nearest is taken", () => {
  const colours = [`38;5;4`, `38;2;200;30;20`, `38;5;208`, `38;5;46`, `38;2;0;200;220`, `38:2::90:90:255`, `38;5;200`, `38;5;250`, `38;5;236`];
  expect(colours.map((c) => parseLine(`${ESC}[${c}mx`)[0]?.colour)).toEqual([4, 1, 3, 2, 6, 4, 5, 7, 8]);
  expect(parseLine(`${ESC}[48;5;4m${ESC}[1mx`)).toEqual([{ ...PLAIN, back: 4, bold: true, text: "x" }]);
});

test("of a progress bar the last state is shown", () => {
  expect(plainText(" 10%|#   |\r 50%|##  |\r100%|####|")).toBe("100%|####|");
  expect(plainText("done\r")).toBe("done");
  expect(plainText("step 1/10\b\b\b\b2/10")).toBe("step 2/10");
  expect(plainText("\b\bx")).toBe("x");
});

test("what moves the cursor, sets titles or rings is left out", () => {
  const line = `${ESC}[2K${ESC}[?25l${ESC}[1Aa${ESC}]0;title\u0007b\u0007c${ESC}]8;;http://x${ESC}\\d${ESC}(Be`;
  expect(plainText(line)).toBe("abcde");
  expect(parseLine(line).map((p) => p.text).join("")).toBe("abcde");
});

test("HTML is text", () => expect(plainText("<b>bold</b>")).toBe("<b>bold</b>"));

test("what was searched for is marked over colours", () => {
  const parts = marked(parseLine(`a Lo${ESC}[31mSS lossloss`), "loss").map((p) => [p.text, p.colour, p.hit]);
  expect(parts).toEqual([
    ["a ", null, false],
    ["Lo", null, true],
    ["SS", 1, true],
    [" ", 1, false],
    ["loss", 1, true],
    ["loss", 1, true],
  ]);
  expect(marked(parseLine("İ loss"), "loss").map((p) => p.hit)).toEqual([false]);
});
