// The view that the address names, as state. The address wins: there is no other copy to fall out of step.

import { FIRST_VIEW, formatHash, parseHash, type ChartView, type RunsView, type View } from "./address";

class Address {
  view: View = $state.raw(parseHash(location.hash));
  /** The run table that "back to the runs" leads to. */
  runs: RunsView = $state.raw(this.view.page === "runs" ? this.view : FIRST_VIEW);

  constructor() {
    addEventListener("hashchange", () => this.#show(parseHash(location.hash)));
  }

  /** Goes to a page; the browser's back button returns. */
  go(view: View): void {
    location.hash = formatHash(view);
  }

  /** Changes the view in place, for changes too small to go back over. */
  replace(view: View): void {
    history.replaceState(history.state, "", formatHash(view));
    this.#show(view);
  }

  /** Changes what the chart of the present page shows. */
  chart(change: Partial<ChartView>): void {
    if (this.view.page === "runs" || this.view.page === "run") this.replace({ ...this.view, chart: { ...this.view.chart, ...change } });
  }

  #show(view: View): void {
    this.view = view;
    if (view.page === "runs") this.runs = view;
  }
}

export const address = new Address();
