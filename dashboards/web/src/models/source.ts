// Where the files of a registered version lie.

import type { FileOwner } from "../api";
import type { Version } from "../registered";

/** The version's MLmodel: of its logged model, or in its run's artifacts, as MLflow 2 has it. Null if its source is elsewhere. */
export function mlmodelOf(version: Pick<Version, "logged" | "run" | "source">): { readonly owner: FileOwner; readonly path: string } | null {
  if (version.logged !== null) return { owner: { kind: "model", id: version.logged }, path: "MLmodel" };
  if (version.run === null) return null;
  for (const before of [`runs:/${version.run}/`, `/${version.run}/artifacts/`]) {
    const at = version.source.indexOf(before);
    if (at < 0) continue;
    const folder = version.source.slice(at + before.length).replace(/\/+$/, "");
    return { owner: { kind: "run", id: version.run }, path: folder === "" ? "MLmodel" : `${folder}/MLmodel` };
  }
  return null;
}
