// Drawings take turns: many charts that have something new at one moment are drawn over several frames, so that the pointer and
// scrolling are answered in between.

/**
 * A browser without a graphics card paints what was drawn after the script has ended, which no clock in here sees. So a frame that
 * came late says that there was too much in the one before, and one that came in time that there may be a little more.
 */
const LATE_MS = 22;
/** What a late frame leaves of it, and what one in time adds: late ones are to be one of ten, not one of three. */
const LESS = 0.7;
const MORE = 0.2;
/** Where every frame comes late, whatever is drawn, charts must not stand still. */
const LEAST = 2;

interface Limits {
  readonly budgetMS: number;
  /** Of one frame, at first and at most. */
  readonly first: number;
  readonly most: number;
}

const DRAWINGS: Limits = { budgetMS: 7, first: 6, most: 24 };

export class Turns {
  readonly #waiting = new Map<object, () => void>();
  #asked = false;
  #drawing = false;
  #most: number;
  /** When the last frame was, if it drew as much as it may. */
  #full: number | null = null;

  /** Of the 16 ms of a frame what the budget leaves goes to the browser. */
  constructor(
    private readonly limits: Limits = DRAWINGS,
    private readonly frame: (then: () => void) => void = (then) => requestAnimationFrame(then),
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#most = limits.first;
  }

  /**
   * Draws in a coming frame; of two drawings of one owner only the later one is done, in the place of the first. What comes of a
   * drawing is drawn with it.
   */
  take(owner: object, draw: () => void): void {
    if (this.#drawing) {
      this.#waiting.delete(owner);
      return draw();
    }
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
      const begin = this.now();
      this.#learn(begin);
      let done = 0;
      for (const [owner, draw] of this.#waiting) {
        this.#waiting.delete(owner);
        this.#draw(draw);
        if (++done + 1 > this.#most || this.now() >= begin + this.limits.budgetMS) break;
      }
      this.#full = this.#waiting.size > 0 ? begin : null;
      this.#ask();
    });
  }

  #draw(draw: () => void): void {
    this.#drawing = true;
    try {
      draw();
    } finally {
      this.#drawing = false;
    }
  }

  #learn(now: number): void {
    if (this.#full === null) return;
    const late = now - this.#full > LATE_MS;
    this.#most = late ? Math.max(LEAST, this.#most * LESS) : Math.min(this.limits.most, this.#most + MORE);
  }
}

export const turns = new Turns();
