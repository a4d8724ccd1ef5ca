/** What can be chosen in a menu. */
export interface Choice {
  readonly name: string;
  /** Of a choice among others: whether it is the present one. */
  readonly on?: boolean;
  readonly act: () => void;
}
