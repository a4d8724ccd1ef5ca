// Lays the panels of a dashboard out at their places.

import "@fontsource-variable/inter";
import "@fontsource-variable/jetbrains-mono";

import { barChart, curves, heat, scatter } from "./charts";
import { graph } from "./graph";
import type { Board, Panel } from "./panel";
import { element, lines, numbers, table, text } from "./texts";

// As in Grafana: 24 columns, 30 px a unit of height, 8 px between panels.
const [COLUMNS, UNIT_PX, GAP_PX, WIDTH_PX] = [24, 30, 8, 1376];

const kinds: Readonly<Record<string, (panel: Panel, into: HTMLElement, range: Board) => void>> = {
  timeseries: curves,
  trend: curves,
  xychart: scatter,
  barchart: barChart,
  heatmap: heat,
  nodeGraph: graph,
  table,
  stat: numbers,
  logs: lines,
  text,
};

function place(node: HTMLElement, { x, y, w, h }: Panel["gridPos"]): void {
  const column = (WIDTH_PX + GAP_PX) / COLUMNS;
  node.style.left = `${x * column}px`;
  node.style.top = `${y * (UNIT_PX + GAP_PX)}px`;
  node.style.width = `${w * column - GAP_PX}px`;
  node.style.height = `${h * (UNIT_PX + GAP_PX) - GAP_PX}px`;
}

function draw(board: Board): void {
  const head = document.getElementById("head");
  const panels = document.getElementById("panels");
  if (!head || !panels) throw new Error("the page has no place for panels");
  head.replaceChildren(element("h1", "", board.title));
  for (const [label, chosen] of board.choices) {
    const choice = head.appendChild(element("span", ""));
    choice.append(element("b", "", label), element("i", "", chosen || "\u00a0"));
  }
  panels.replaceChildren();
  let below = 0;
  for (const panel of board.panels) {
    below = Math.max(below, panel.gridPos.y + panel.gridPos.h);
    if (panel.type === "row") {
      place(panels.appendChild(element("div", "row", `${panel.collapsed ? "\u203a" : "\u2304"} ${panel.title}`)), panel.gridPos);
      continue;
    }
    const node = panels.appendChild(element("section", "panel"));
    place(node, panel.gridPos);
    node.append(element("h2", "", panel.title));
    const into = node.appendChild(element("div", ""));
    const kind = kinds[panel.type];
    if (!kind) throw new Error(`no way to draw a panel of type ${panel.type}`);
    kind(panel, into, board);
  }
  panels.style.height = `${below * (UNIT_PX + GAP_PX)}px`;
}

declare global {
  interface Window {
    draw?: (board: Board) => void;
  }
}

window.draw = draw;
