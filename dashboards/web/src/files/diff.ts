// A diff as git prints it, by line. Pure.

export interface DiffLine {
  readonly kind: "file" | "place" | "added" | "removed" | "same";
  readonly text: string;
}

/** Lines with what they are; inside of a hunk a line of `---` is a removed one. */
export function diffLines(diff: string): readonly DiffLine[] {
  let hunk = false;
  return diff.replace(/\n$/, "").split("\n").map((text) => {
    if (text.startsWith("diff --git ")) hunk = false;
    else if (text.startsWith("@@")) hunk = true;
    if (text.startsWith("@@")) return { kind: "place", text };
    if (!hunk) return { kind: "file", text };
    return { kind: text.startsWith("+") ? "added" : text.startsWith("-") ? "removed" : "same", text };
  });
}
