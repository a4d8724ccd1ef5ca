// Drawings take turns: many charts that have something new at one moment are drawn over several frames, so that the pointer and
// scrolling are answered in between.

/** So long a frame's drawings may take: what is left of 16 ms goes to the browser. */
const BUDGET_MS = 7;

export class Turns {
  readonly #waiting = new Map<object, () => void>();
  #asked = false;

  constructor(
    private readonly frame: (then: () => void) => void = (then) => requestAnimationFrame(then),
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Draws in a coming frame; of two drawings of one owner only the later one is done, in the place of the first. */
  take(owner: object, draw: () => void): void {
    this.#waiting.set(owner, draw);
    this.#ask();
  }

  /** The owner has ended. */
  leave(owner: object): void {
    this.#waiting.delete(owner);
  }

  #ask(): void {
    if (this.#asked || this.#waiting.size === 0) return;
    this.#asked = true;
    this.frame(() => {
      this.#asked = false;
      const end = this.now() + BUDGET_MS;
      for (const [owner, draw] of this.#waiting) {
        this.#waiting.delete(owner);
        draw();
        if (this.now() >= end) break;
      }
      this.#ask();
    });
  }
}

export const turns = new Turns();
