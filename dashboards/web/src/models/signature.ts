// The signature of a model as MLflow writes it into the file MLmodel: https://mlflow.org/docs/latest/model/signatures

export interface Field {
  readonly name: string;
  readonly type: string;
}

export interface Signature {
  readonly inputs: readonly Field[];
  readonly outputs: readonly Field[];
}

/** Reads the signature of an MLmodel file; null if it has none. Columns and tensors are known, others are shown as they are. */
export function parseSignature(file: string): Signature | null {
  const inputs = listOf(file, "inputs");
  const outputs = listOf(file, "outputs");
  return inputs.length + outputs.length === 0 ? null : { inputs, outputs };
}

/** The lists stand as JSON in YAML's single quotes, folded over lines where they are long. */
function listOf(file: string, name: string): readonly Field[] {
  const text = new RegExp(`^\\s+${name}: '((?:[^']|'')*)'`, "m").exec(file)?.[1];
  if (text === undefined) return [];
  try {
    const list: unknown = JSON.parse(text.replaceAll("''", "'").replace(/\s*\n\s*/g, " "));
    return Array.isArray(list) ? list.map(fieldOf) : [];
  } catch {
    return [];
  }
}

function fieldOf(value: unknown, i: number): Field {
  const f = (value ?? {}) as { name?: string; type?: string; required?: boolean; "tensor-spec"?: { dtype?: string; shape?: unknown } };
  const tensor = f["tensor-spec"];
  const type = tensor ? `tensor ${tensor.dtype ?? ""} ${JSON.stringify(tensor.shape ?? "")}` : (f.type ?? JSON.stringify(value));
  return { name: f.name ?? `(${i})`, type: f.required === false ? `${type}, optional` : type };
}
