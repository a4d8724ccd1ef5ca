import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { assign, COLOURS, preferred } from "./palette";

describe("assign", () => {
  const ids = Array.from({ length: 25 }, (_, i) => `run${i}`);

  test("does not depend on the order of the runs", () => {
    expect(assign([...ids].reverse())).toEqual(assign(ids));
  });

  test("gives a lone run its own colour", () => {
    expect(assign(["a"]).get("a")).toEqual({ colour: preferred("a"), dash: [] });
  });

  test("gives as many runs as there are colours different ones", () => {
    const colours = new Set([...assign(ids.slice(0, COLOURS)).values()].map((s) => s.colour));
    expect(colours.size).toBe(COLOURS);
  });

  test("tells runs with the same colour apart by their dashes", () => {
    const looks = new Set([...assign(ids).values()].map((s) => JSON.stringify(s)));
    expect(looks.size).toBe(ids.length);
  });
});

type RGB = [number, number, number];

/** What the three kinds of colour blindness see of linear RGB (Machado, Oliveira and Fernandes 2009, severity 1). */
const VISIONS: Record<string, readonly RGB[]> = {
  usual: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

const css = readFileSync(new URL("./css/tokens.css", import.meta.url), "utf8");

/** A theme's variables as linear RGB. */
function tokens(theme: string): Map<string, RGB> {
  const block = css.split(`[data-theme="${theme}"] {`)[1]?.split("}")[0] ?? "";
  const found = [...block.matchAll(/--([\w-]+): #([0-9a-f]{6});/g)];
  return new Map(found.map(([, name = "", hex = ""]) => [name, [0, 2, 4].map((i) => linear(parseInt(hex.slice(i, i + 2), 16) / 255)) as RGB]));
}

const linear = (v: number) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);

function contrast(a: RGB, b: RGB): number {
  const [low, high] = [a, b].map(([r, g, bl]) => 0.2126 * r + 0.7152 * g + 0.0722 * bl).sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function seen(vision: readonly RGB[], [r, g, b]: RGB): RGB {
  return vision.map(([x, y, z]) => Math.min(1, Math.max(0, x * r + y * g + z * b))) as RGB;
}

/** Distance in OKLab, where 0.02 is about the least that can be seen. */
function distance(a: RGB, b: RGB): number {
  const [x, y] = [oklab(a), oklab(b)];
  return Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
}

function oklab([r, g, b]: RGB): RGB {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

describe.each(["light", "dark"])("%s theme", (theme) => {
  const colours = tokens(theme);
  const get = (name: string): RGB => {
    const c = colours.get(name);
    if (!c) throw new Error(`tokens.css has no --${name}`);
    return c;
  };
  const series = Array.from({ length: COLOURS }, (_, i) => get(`series-${i}`));

  test.each(Object.keys(VISIONS))("all lines differ with %s", (name) => {
    const eyes = VISIONS[name] as readonly RGB[];
    for (let i = 0; i < COLOURS; i++) {
      for (let j = 0; j < i; j++) {
        const d = distance(seen(eyes, series[i] as RGB), seen(eyes, series[j] as RGB));
        expect(d, `series ${i} and ${j}`).toBeGreaterThan(0.06);
      }
    }
  });

  test("lines stand out from the panel", () => {
    series.forEach((c, i) => expect(contrast(c, get("grey-1")), `series ${i}`).toBeGreaterThanOrEqual(3));
  });

  test.each(["grey-9", "grey-10", "grey-11", "grey-12", "accent", "state-finished", "state-running", "state-failed", "state-killed", "state-idle"])(
    "%s can be read on every ground",
    (name) => {
      for (const ground of ["grey-1", "grey-2", "grey-3", "accent-soft"]) {
        expect(contrast(get(name), get(ground)), ground).toBeGreaterThanOrEqual(4.5);
      }
    },
  );
});
