import { expect, test } from "vitest";

import type { Curve } from "./curves";
import { csvOf, svgOf, type SVGLooks } from "./save";

const curve = (more: Partial<Curve> = {}): Curve => ({
  ...{ id: "r1", name: "run", stroke: { colour: 1, dash: [] }, x: [0, 10, 20], y: [1, null, 3], low: [0, null, 3], high: [2, null, 3] },
  ...{ raw: null, odd: [], fork: null, points: 3, last: null },
  ...more,
});

const looks: SVGLooks = {
  ...{ title: "loss", x: "step", logX: false, logY: false, xLimits: null, yLimits: null, colour: () => "#123456", ink: "#000", paper: "#fff" },
};

test("a row a value, with names that no spreadsheet runs", () => {
  expect(csvOf([curve({ name: '=1+"x",y' })], "loss", "step")).toBe(
    'id,name,step,loss,min,max\r\nr1,"\'=1+""x"",y",0,1,0,2\r\nr1,"\'=1+""x"",y",10,,,\r\nr1,"\'=1+""x"",y",20,3,3,3\r\n',
  );
});

test("smoothed values stand beside what they were made from", () => {
  const text = csvOf([curve({ raw: [5, null, 6] })], "loss", "relative");
  expect(text.split("\r\n")[0]).toBe("id,name,time since the start,loss,min,max,loss (not smoothed)");
  expect(text.split("\r\n")[1]).toBe("r1,run,0,1,0,2,5");
});

test("a picture has the line with its gap, the band, the name and nothing that runs", () => {
  const svg = svgOf([curve({ name: "<script>alert(1)</script>" })], looks);
  expect(svg).not.toContain("<script");
  expect(svg).toContain("&#60;script");
  expect(svg.match(/stroke-width="1.75"/g)).toHaveLength(1);
  const line = /d="(M[^"]*)" fill="none" stroke="#123456" stroke-width="1.75"/.exec(svg)?.[1] ?? "";
  expect(line.split("M")).toHaveLength(3);
  expect(svg).toContain("fill-opacity");
  expect(svgOf([curve({ low: [1, null, 3], high: [1, null, 3] })], looks)).not.toContain("fill-opacity");
});

test("no picture has a number that is none", () => {
  for (const curves of [[], [curve({ x: [5], y: [0], low: [0], high: [0] })], [curve()]]) {
    expect(svgOf(curves, looks)).not.toMatch(/NaN|Infinity/);
  }
  expect(svgOf([curve({ x: [1, 10], y: [1, 100], low: [1, 100], high: [1, 100] })], { ...looks, logX: true, logY: true })).not.toMatch(/NaN|Infinity/);
});
