// A panel of a dashboard's JSON with the rows of its queries, as rows.py writes it.

import type { Answer, Transformation } from "./frames";

export interface Config {
  readonly unit?: string;
  readonly displayName?: string;
  readonly noValue?: string;
  readonly color?: { readonly mode: string };
  readonly thresholds?: { readonly steps: readonly { readonly color: string; readonly value: number | null }[] };
  readonly custom?: Readonly<Record<string, unknown>>;
}

export interface Panel {
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly options: Readonly<Record<string, unknown>>;
  readonly fieldConfig: { readonly defaults: Config; readonly overrides: readonly { readonly matcher: { readonly options: string }; readonly properties: readonly { readonly id: string; readonly value: unknown }[] }[] };
  readonly transformations?: readonly Transformation[];
  readonly frames: readonly Answer[];
  readonly collapsed?: boolean;
}

export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly choices: readonly (readonly [string, string])[];
  readonly from: number;
  readonly to: number;
  readonly panels: readonly Panel[];
}

/** What a field is drawn with: the panel's defaults, and what is set for its name. */
export function configOf(panel: Panel, name: string): Config {
  const config: Record<string, unknown> = { ...panel.fieldConfig.defaults };
  const custom: Record<string, unknown> = { ...panel.fieldConfig.defaults.custom };
  for (const override of panel.fieldConfig.overrides) {
    if (override.matcher.options !== name) continue;
    for (const { id, value } of override.properties) {
      if (id.startsWith("custom.")) custom[id.slice("custom.".length)] = value;
      else config[id] = value;
    }
  }
  return { ...config, custom };
}

const COLOURS: Readonly<Record<string, string>> = { green: "#4f8c2f", orange: "#c15c17", red: "#c4162a", text: "#24292e", blue: "#1f60c4", purple: "#7c3fc4" };

/** The colour of the last step that the value reaches. */
export function coloured(config: Config, value: number): string {
  const steps = config.thresholds?.steps ?? [];
  const reached = steps.filter((s) => s.value === null || value >= s.value).at(-1);
  return COLOURS[reached?.color ?? "text"] ?? reached?.color ?? "#24292e";
}
