// Rows as Grafana's data frames, and what Grafana does with them before a panel sees them.

export type Kind = "time" | "number" | "string";
export type Value = number | string | null;

export interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly values: readonly Value[];
  /** What names a series among others of the same name. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly format: number;
  readonly meta: readonly { readonly name: string; readonly type: string }[];
  readonly data: readonly Readonly<Record<string, unknown>>[];
}

export interface Transformation {
  readonly id: string;
  readonly options: Readonly<Record<string, unknown>>;
}

const TIME_SERIES = 0;

function kindOf(type: string): Kind {
  if (/^(Nullable\()?(LowCardinality\()?Date/.test(type)) return "time";
  return /^(Nullable\()?(U?Int|Float|Decimal)/.test(type) ? "number" : "string";
}

function valueOf(value: unknown, kind: Kind): Value {
  if (value === null || value === undefined) return null;
  if (kind === "time") return Date.parse(`${String(value).replace(" ", "T")}Z`);
  if (kind === "number") return Number(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A table's columns, or with the format of time series one field a series. */
export function fieldsOf(answer: Answer): Field[] {
  const table = answer.meta.map(({ name, type }): Field => {
    const kind = kindOf(type);
    return { name, kind, values: answer.data.map((row) => valueOf(row[name], kind)) };
  });
  return answer.format === TIME_SERIES ? wide(table) : table;
}

/** Long to wide: texts become labels of the numbers. */
function wide(table: readonly Field[]): Field[] {
  const time = table.find((f) => f.kind === "time");
  const texts = table.filter((f) => f.kind === "string");
  if (!time || texts.length === 0) return [...table];
  const times = [...new Set(time.values)];
  const at = new Map(times.map((t, i) => [t, i]));
  const series = new Map<string, Field & { values: Value[] }>();
  time.values.forEach((t, row) => {
    const labels = Object.fromEntries(texts.map((f) => [f.name, String(f.values[row])]));
    for (const number of table.filter((f) => f.kind === "number")) {
      const key = JSON.stringify([number.name, labels]);
      const found = series.get(key) ?? { name: number.name, kind: "number", labels, values: times.map(() => null) };
      series.set(key, found);
      found.values[at.get(t) ?? 0] = number.values[row] ?? null;
    }
  });
  return [{ ...time, values: times }, ...[...series.values()].sort((a, b) => seriesName(a).localeCompare(seriesName(b)))];
}

/** What a legend says where the field's own display name is not set. */
export function seriesName(field: Field, displayName?: string): string {
  const labels = field.labels ?? {};
  if (displayName) return displayName.replace(/\$\{__field\.labels\.(\w+)\}/g, (_, name: string) => labels[name] ?? "");
  const values = Object.values(labels);
  const said = values.length === 1 ? values[0] : Object.entries(labels).map(([k, v]) => `${k}="${v}"`).join(", ");
  return [field.name, values.length > 1 ? `{${said}}` : said].filter(Boolean).join(" ");
}

export function transformed(fields: readonly Field[], how: readonly Transformation[]): Field[] {
  return how.reduce((now, t) => (t.id === "groupingToMatrix" ? matrix(now, t.options) : t.id === "sortBy" ? sorted(now, t.options) : now), [...fields]);
}

const named = (fields: readonly Field[], name: unknown) => fields.find((f) => f.name === name);

function matrix(fields: readonly Field[], o: Readonly<Record<string, unknown>>): Field[] {
  const [row, column, value] = [named(fields, o["rowField"]), named(fields, o["columnField"]), named(fields, o["valueField"])];
  if (!row || !column || !value) return [...fields];
  const rows = [...new Set(row.values)];
  const cells = new Map(value.values.map((v, i) => [JSON.stringify([row.values[i], column.values[i]]), v]));
  const columns = [...new Set(column.values)].map((c): Field => ({ name: String(c), kind: value.kind, values: rows.map((r) => cells.get(JSON.stringify([r, c])) ?? null) }));
  return [{ name: `${row.name}\\${column.name}`, kind: row.kind, values: rows }, ...columns];
}

function sorted(fields: readonly Field[], o: Readonly<Record<string, unknown>>): Field[] {
  const by = named(fields, (o["sort"] as { field: string }[])[0]?.field);
  if (!by) return [...fields];
  const order = by.values.map((v, i) => [v ?? "", i] as const).sort(([a], [b]) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b))));
  return fields.map((f) => ({ ...f, values: order.map(([, i]) => f.values[i] ?? null) }));
}
