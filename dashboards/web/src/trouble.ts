// What a page says when it could not be read: what may help, and where to go from here. Pure.

import { FIRST_LINEAGE, FIRST_MODELS, formatHash, type RunsView, type View } from "./address";
import type { ApiError } from "./api";

/** What the reader can do about it. */
export function remedyOf({ status, message }: Pick<ApiError, "status" | "message">, origin: string): string {
  if (status === 0) return `Is Streamgauge still running at ${origin}? Start it with: streamgauge up`;
  if (status >= 500) return "The server could not do it. Its log says more; streamgauge doctor looks for the cause.";
  if (status === 401) return "The server wants a token. Reload the page and give it as the password; streamgauge token create makes one.";
  if (status === 403) {
    // The server's sentence for a role that is too small; a confined token has another one.
    const role = /this needs (\w+)/.exec(message)?.[1];
    return `It is there, but your token may not read it. ${role ? `It wants a token with the role ${role}` : "It wants a token that reaches further"}: ask who runs this server for one, and open the page with it.`;
  }
  if (status === 429) return "The server asks you to wait a moment.";
  return "The link may be old, or what it leads to was deleted.";
}

export interface Way {
  readonly href: string;
  readonly name: string;
}

/** Where a page that shows nothing leads back to: to the list that it is from, else to the runs. */
export function backFrom(view: View, runs: RunsView): Way {
  const toRuns = { href: formatHash(runs), name: "Back to the runs" };
  switch (view.page) {
    case "model":
      return { href: formatHash(FIRST_MODELS), name: "Back to the models" };
    case "lineage":
      return view.node === "" ? toRuns : { href: formatHash(FIRST_LINEAGE), name: "Back to the beginning of Lineage" };
    case "compare":
    case "runs":
      return { href: formatHash({ ...runs, experiment: null, others: [], filter: "", ticked: [], allTicked: false }), name: "Show the newest experiment" };
    default:
      return toRuns;
  }
}
