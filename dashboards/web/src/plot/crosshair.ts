// One crosshair over all charts of the page: where the pointer is in one, the others show the same x.

import { Turns } from "./turns";

export interface Follower {
  /** Shows the crosshair at an x, or takes it away. */
  follow(x: number | null): void;
}

/** Few charts follow at once, many one after the other: where a browser paints without a graphics card, all at once are the whole page. */
const LIMITS = { budgetMS: 3, first: 8, most: 100 };

class Crosshair {
  readonly #followers = new Set<Follower>();
  readonly #turns = new Turns(LIMITS);
  #frame = 0;
  #next: { readonly from: Follower; readonly x: number | null } | null = null;

  join(follower: Follower): () => void {
    this.#followers.add(follower);
    return () => (this.#turns.leave(follower), this.#followers.delete(follower));
  }

  /** Moves all others; at most once a frame. */
  move(from: Follower, x: number | null): void {
    this.#next = { from, x };
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      for (const follower of this.#followers) this.#turns.take(follower, () => this.#show(follower));
    });
  }

  /** Its turn may come later than the move: the latest counts, and the pointer may be in this one now. */
  #show(follower: Follower): void {
    if (this.#next && follower !== this.#next.from) follower.follow(this.#next.x);
  }
}

export const crosshair = new Crosshair();
