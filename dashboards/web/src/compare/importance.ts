// What the importance of params says in words, and how long its bars are. Pure.

import type { Importance } from "../api";

/** A forest that predicts less predicts nothing: noise of few runs comes near to it (docs/series.md). */
export const EXPLAINED_MIN = 0.1;

export const explains = (answer: Pick<Importance, "explained">): boolean => answer.explained >= EXPLAINED_MIN;

/** One sentence on all params together. */
export function verdict(answer: Pick<Importance, "explained">, metric: string): string {
  return explains(answer)
    ? `These params explain ${Math.round(100 * answer.explained)} % of the order of ${metric}.`
    : `These params do not explain ${metric}: for runs that it has not seen, the forest predicts next to nothing.`;
}

/** What a param explains by itself, 0 to 1: its part of what all explain. Nothing has no parts. */
export const share = (answer: Pick<Importance, "explained">, importance: number): number => (explains(answer) ? importance * answer.explained : 0);
