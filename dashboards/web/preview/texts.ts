// Panels of text: tables, numbers, logs, Markdown.

import MarkdownIt from "markdown-it";

import { fieldsOf, transformed, type Field } from "./frames";
import { coloured, configOf, type Panel } from "./panel";
import { said } from "./units";

const ROW_PX = 27;

export function element(name: string, className: string, text = ""): HTMLElement {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
}

export const fieldsIn = (panel: Panel): Field[] => (panel.frames[0] ? transformed(fieldsOf(panel.frames[0]), panel.transformations ?? []) : []);

export function table(panel: Panel, into: HTMLElement): void {
  const fields = fieldsIn(panel).filter((f) => configOf(panel, f.name).custom?.["hidden"] !== true && configOf(panel, f.name).custom?.["hideFrom.viz"] !== true);
  const count = fields[0]?.values.length ?? 0;
  if (count === 0) return nothing(panel, into);
  const node = element("table", "rows");
  const head = node.appendChild(element("tr", ""));
  for (const field of fields) head.append(element("th", field.kind, configOf(panel, field.name).displayName ?? field.name));
  const seen = Math.ceil(into.clientHeight / ROW_PX);
  for (let i = 0; i < Math.min(count, seen); i++) {
    const row = node.appendChild(element("tr", ""));
    for (const field of fields) row.append(cell(panel, field, i));
  }
  into.append(node);
}

function cell(panel: Panel, field: Field, i: number): HTMLElement {
  const config = configOf(panel, field.name);
  const node = element("td", field.kind, said(field.values[i] ?? null, field.kind, config.unit));
  if ("links" in config) node.classList.add("link");
  return node;
}

export function numbers(panel: Panel, into: HTMLElement): void {
  const any = String((panel.options["reduceOptions"] as { fields: string }).fields) !== "";
  const field = fieldsIn(panel).find((f) => any || f.kind === "number");
  const value = field?.values.at(-1) ?? null;
  if (!field || value === null) return nothing(panel, into);
  const config = configOf(panel, field.name);
  const node = element("div", "number", said(value, field.kind, config.unit));
  node.style.color = coloured(config, Number(value));
  into.append(node);
}

export function lines(panel: Panel, into: HTMLElement): void {
  const fields = fieldsIn(panel);
  const [time, body, level] = [fields.find((f) => f.kind === "time"), fields.find((f) => f.kind === "string"), fields.find((f) => f.name === "level")];
  if (!time?.values.length) return nothing(panel, into);
  time.values.forEach((t, i) => {
    const line = into.appendChild(element("div", `line ${String(level?.values[i])}`));
    line.append(element("span", "when", said(t, "time")), element("span", "", String(body?.values[i])));
  });
}

export function text(panel: Panel, into: HTMLElement): void {
  const node = element("div", "text");
  node.innerHTML = new MarkdownIt().render(String(panel.options["content"]));
  into.append(node);
}

export function nothing(panel: Panel, into: HTMLElement): void {
  into.append(element("div", "nothing", panel.fieldConfig.defaults.noValue ?? "No data"));
}
