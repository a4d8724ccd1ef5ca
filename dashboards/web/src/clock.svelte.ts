// One clock for the page: relative times and running durations follow it.

const TICK_MS = 1000;

class Clock {
  now = $state(Date.now());

  constructor() {
    setInterval(() => {
      if (!document.hidden) this.now = Date.now();
    }, TICK_MS);
  }
}

export const clock = new Clock();
