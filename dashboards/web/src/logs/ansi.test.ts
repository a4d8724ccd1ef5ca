import { expect, test } from "vitest";

import { parseLine, plainText } from "./ansi";

const ESC = "\u001b";
const plain = { colour: null, bold: false, faint: false };

test("a line without colours is one part", () => expect(parseLine("epoch 1")).toEqual([{ ...plain, text: "epoch 1" }]));

test("colours begin and end", () => {
  expect(parseLine(`${ESC}[1;31merror${ESC}[0m: no ${ESC}[92mway${ESC}[39m!`)).toEqual([
    { text: "error", colour: 1, bold: true, faint: false },
    { ...plain, text: ": no " },
    { ...plain, colour: 10, text: "way" },
    { ...plain, text: "!" },
  ]);
});

test("of 256 colours the terminal's own are known, true colours stay plain", () => {
  expect(parseLine(`${ESC}[38;5;4mblue${ESC}[38;2;1;2;3mtrue${ESC}[38;5;200mpink`).map((p) => p.colour)).toEqual([4, null, null]);
  expect(parseLine(`${ESC}[48;5;4m${ESC}[1mx`)).toEqual([{ ...plain, bold: true, text: "x" }]);
});

test("of a progress bar the last state is shown", () => {
  expect(plainText(" 10%|#   |\r 50%|##  |\r100%|####|")).toBe("100%|####|");
  expect(plainText("done\r")).toBe("done");
});

test("what moves the cursor, sets titles or rings is left out", () => {
  expect(plainText(`${ESC}[2K${ESC}[1Aa${ESC}]0;title\u0007b\u0007c${ESC}]8;;http://x${ESC}\\d`)).toBe("abcd");
});

test("HTML is text", () => expect(plainText("<b>bold</b>")).toBe("<b>bold</b>"));
