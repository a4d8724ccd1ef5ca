// What is drawn over the lines: names at their ends, and marks where points were no numbers.

import type uPlot from "uplot";

import { COLUMNS_PER_CURVE, lastOf, spreadLabels, upperBound } from "./align";
import type { Curve } from "./curves";

export const LABEL_WIDTH = 116;
const LABEL_HEIGHT = 14;
const FONT_PX = 11;

type Token = (name: string) => string;

/** Names at the ends of the lines, moved apart where they would meet. */
export function drawLabels(u: uPlot, curves: readonly Curve[], token: Token): void {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  const bottom = bbox.top + bbox.height;
  const ends = curves.flatMap((curve, i) => {
    const column = u.data[i * COLUMNS_PER_CURVE + 1] ?? [];
    const value = column[lastOf(column)];
    if (value == null) return [];
    return [{ curve, y: Math.min(Math.max(u.valToPos(value, "y", true), bbox.top), bottom) }];
  });
  const height = LABEL_HEIGHT * ratio;
  const tops = spreadLabels(ends.map((e) => e.y - height / 2), height, bottom + height / 2);
  ctx.save();
  ctx.font = `${FONT_PX * ratio}px ${token("--font-mono")}`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  ends.forEach(({ curve }, i) => {
    ctx.fillStyle = token(`--series-${curve.stroke.colour}`);
    ctx.fillText(fit(ctx, curve.name, (LABEL_WIDTH - 12) * ratio), bbox.left + bbox.width + 8 * ratio, (tops[i] as number) + height / 2);
  });
  ctx.restore();
}

function fit(ctx: CanvasRenderingContext2D, text: string, width: number): string {
  if (ctx.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && ctx.measureText(text.slice(0, end) + "…").width > width) end--;
  return text.slice(0, end) + "…";
}

/**
 * What a line cannot show: a cross at the upper edge where points were NaN, a triangle at the upper or lower edge where
 * they were infinite, pointing where they went.
 */
export function drawOdd(u: uPlot, curves: readonly Curve[], token: Token): void {
  const { ctx, bbox } = u;
  const arm = 3 * devicePixelRatio;
  const [top, bottom] = [bbox.top + arm + 1, bbox.top + bbox.height - arm - 1];
  ctx.save();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  for (const curve of curves) {
    ctx.strokeStyle = ctx.fillStyle = token(`--series-${curve.stroke.colour}`);
    for (const { x: at, nan, posInf, negInf } of curve.odd) {
      const x = u.valToPos(at, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      if (nan > 0) cross(ctx, x, top, arm);
      if (posInf > 0) triangle(ctx, x, top, -arm);
      if (negInf > 0) triangle(ctx, x, bottom, arm);
    }
  }
  ctx.restore();
}

/** A ring where a fork leaves the run that it was forked from. */
export function drawForks(u: uPlot, curves: readonly Curve[], token: Token): void {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([]);
  ctx.fillStyle = token("--grey-1");
  curves.forEach(({ fork, stroke }, i) => {
    const at = fork ? upperBound(u.data[0] as number[], fork.x) - 1 : -1;
    const value = u.data[i * COLUMNS_PER_CURVE + 1]?.[at];
    if (!fork || value == null) return;
    const [x, y] = [u.valToPos(fork.x, "x", true), u.valToPos(value, "y", true)];
    if (x < bbox.left || x > bbox.left + bbox.width || y < bbox.top || y > bbox.top + bbox.height) return;
    ctx.strokeStyle = token(`--series-${stroke.colour}`);
    ctx.beginPath();
    ctx.arc(x, y, 3.5 * devicePixelRatio, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
  });
  ctx.restore();
}

function cross(ctx: CanvasRenderingContext2D, x: number, y: number, arm: number): void {
  ctx.beginPath();
  ctx.moveTo(x - arm, y - arm);
  ctx.lineTo(x + arm, y + arm);
  ctx.moveTo(x + arm, y - arm);
  ctx.lineTo(x - arm, y + arm);
  ctx.stroke();
}

/** The tip lies `arm` from y: above for a negative one. */
function triangle(ctx: CanvasRenderingContext2D, x: number, y: number, arm: number): void {
  ctx.beginPath();
  ctx.moveTo(x, y + arm);
  ctx.lineTo(x - Math.abs(arm), y - arm);
  ctx.lineTo(x + Math.abs(arm), y - arm);
  ctx.fill();
}
