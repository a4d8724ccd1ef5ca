// The run that the pointer is on, in a list or a chart: it is lit wherever it is drawn.

class Hovered {
  /** A run's id, or a group's. */
  id: string | null = $state(null);
}

export const hovered = new Hovered();
