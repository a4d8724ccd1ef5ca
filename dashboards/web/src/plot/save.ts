// A chart as CSV and as SVG. Pure.

import { csvField } from "../csv";
import { tick } from "../format";
import { ownFrom, yRange } from "./align";
import type { Curve, Values, XAxis } from "./curves";
import { axisName, shortSeconds, shortStep } from "./ticks";

/** A row a value: what is drawn, with its band, and without smoothing where there is some. */
export function csvOf(curves: readonly Curve[], metric: string, x: XAxis): string {
  const smoothed = curves.some((c) => c.raw !== null);
  const head = ["id", "name", axisName(x), metric, "min", "max", ...(smoothed ? [`${metric} (not smoothed)`] : [])];
  const rows = curves.flatMap((c) =>
    c.x.map((at, i) => [c.id, c.name, at, c.y[i], c.low[i], c.high[i], ...(smoothed ? [(c.raw ?? c.y)[i]] : [])]),
  );
  return [head, ...rows].map((row) => row.map(csvField).join(",")).join("\r\n") + "\r\n";
}

export interface SVGLooks {
  readonly title: string;
  readonly x: XAxis;
  readonly logX: boolean;
  readonly logY: boolean;
  /** The ends of the axes; null: as far as there are values. */
  readonly xLimits: readonly [number, number] | null;
  readonly yLimits: readonly [number, number] | null;
  readonly colour: (curve: Curve) => string;
  readonly ink: string;
  readonly paper: string;
}

const WIDTH = 800;
const HEIGHT = 400;
const LEGEND_ROW = 16;
const BOX = { left: 64, top: 36, right: WIDTH - 16, bottom: HEIGHT - 40 };
const TICKS = 5;

interface Scale {
  readonly at: (v: number) => number;
  readonly ticks: readonly number[];
}

export function svgOf(curves: readonly Curve[], looks: SVGLooks): string {
  const x = scaleOf(looks.xLimits ?? endsOf(curves.map((c) => c.x)), looks.logX, BOX.left, BOX.right);
  const ends = looks.yLimits ?? endsOf(curves.flatMap((c) => [c.low, c.high, c.y]));
  const y = scaleOf(looks.logY ? ends : yRange(ends[0], ends[1]), looks.logY, BOX.bottom, BOX.top);
  const height = HEIGHT + curves.length * LEGEND_ROW + 8;
  const short = looks.x === "step" ? shortStep : looks.x === "relative" ? shortSeconds : looks.x === "time" ? (v: number) => new Date(v * 1000).toISOString().slice(0, 16) : tick;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11" fill="${looks.ink}">`,
    `<rect width="100%" height="100%" fill="${looks.paper}"/>`,
    `<text x="${BOX.left}" y="20" font-size="14" font-weight="600">${escape(looks.title)}</text>`,
    ...y.ticks.map((v) => `<path d="M${BOX.left} ${round(y.at(v))}H${BOX.right}" stroke="${looks.ink}" stroke-opacity=".15"/><text x="${BOX.left - 6}" y="${round(y.at(v) + 4)}" text-anchor="end">${tick(v)}</text>`),
    ...x.ticks.map((v) => `<text x="${round(x.at(v))}" y="${BOX.bottom + 16}" text-anchor="middle">${escape(short(v))}</text>`),
    `<text x="${(BOX.left + BOX.right) / 2}" y="${BOX.bottom + 32}" text-anchor="middle">${escape(axisName(looks.x))}</text>`,
    `<clipPath id="box"><rect x="${BOX.left}" y="${BOX.top}" width="${BOX.right - BOX.left}" height="${BOX.bottom - BOX.top}"/></clipPath><g clip-path="url(#box)">`,
    ...curves.flatMap((c) => drawn(c, x, y, looks.colour(c))),
    "</g>",
    ...curves.map((c, i) => {
      const at = HEIGHT + i * LEGEND_ROW;
      return `<path d="M${BOX.left} ${at}h18" stroke="${looks.colour(c)}" stroke-width="2"${dash(c)}/><text x="${BOX.left + 26}" y="${at + 4}">${escape(legend(c))}</text>`;
    }),
    "</svg>",
  ].join("\n");
}

function drawn(curve: Curve, x: Scale, y: Scale, colour: string): string[] {
  const own = ownFrom(curve);
  const line = path(curve.x.slice(own), curve.y.slice(own), x, y);
  // Up to the first of its own, so that the line does not break.
  const inherited = curve.fork === null ? "" : path(curve.x.slice(0, own + 1), curve.y, x, y);
  const band = bandPath(curve, x, y);
  return [
    ...(band === "" ? [] : [`<path d="${band}" fill="${colour}" fill-opacity=".18"/>`]),
    ...(curve.raw ? [`<path d="${path(curve.x, curve.raw, x, y)}" fill="none" stroke="${colour}" stroke-opacity=".35"/>`] : []),
    ...(inherited === "" ? [] : [`<path d="${inherited}" fill="none" stroke="${colour}" stroke-width="1.75" stroke-opacity=".5" stroke-dasharray="3 4"/>`]),
    `<path d="${line}" fill="none" stroke="${colour}" stroke-width="1.75"${dash(curve)}/>`,
  ];
}

/** A curve's name, and of a fork where it comes from. */
export const legend = (curve: Pick<Curve, "name" | "fork">) => (curve.fork ? `${curve.name} (up to the ring: ${curve.fork.name})` : curve.name);

const dash = (curve: Curve) => (curve.stroke.dash.length === 0 ? "" : ` stroke-dasharray="${curve.stroke.dash.join(" ")}"`);

function path(xs: readonly number[], values: Values, x: Scale, y: Scale): string {
  let d = "";
  let pen = "M";
  xs.forEach((at, i) => {
    const v = values[i];
    if (v == null) pen = "M";
    else {
      d += `${pen}${round(x.at(at))} ${round(y.at(v))}`;
      pen = "L";
    }
  });
  return d;
}

function bandPath(curve: Curve, x: Scale, y: Scale): string {
  const rows = curve.x.flatMap((at, i) => {
    const [low, high] = [curve.low[i], curve.high[i]];
    return low == null || high == null ? [] : [[at, low, high] as const];
  });
  if (rows.every(([, low, high]) => low === high)) return "";
  const up = rows.map(([at, , high]) => `${round(x.at(at))} ${round(y.at(high))}`);
  const down = rows.reverse().map(([at, low]) => `${round(x.at(at))} ${round(y.at(low))}`);
  return `M${[...up, ...down].join("L")}Z`;
}

function endsOf(lists: readonly Values[]): readonly [number, number] {
  let [least, greatest] = [Infinity, -Infinity];
  for (const list of lists) {
    for (const v of list) {
      if (v === null) continue;
      if (v < least) least = v;
      if (v > greatest) greatest = v;
    }
  }
  return least <= greatest ? [least, greatest] : [0, 1];
}

/** From values to pixels, with round ticks. */
function scaleOf([least, greatest]: readonly [number, number], log: boolean, from: number, to: number): Scale {
  const by = log ? Math.log10 : (v: number) => v;
  const [low, high] = [by(least), by(greatest)];
  const span = high - low || 1;
  const at = (v: number) => from + ((by(v) - low) / span) * (to - from);
  return { at, ticks: roundTicks(low, high, log).map((t) => (log ? 10 ** t : t)) };
}

function roundTicks(low: number, high: number, whole: boolean): number[] {
  const rough = (high - low || 1) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(whole ? 1 : 0, power * ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10));
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

const round = (v: number) => Math.round(v * 10) / 10;

const escape = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
