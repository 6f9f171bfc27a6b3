/** How every command ends; docs/cli.md explains them to scripts. */
export const EXIT = {
  /** All runs done, whatever the verdict; or `--detach`. */
  done: 0,
  /** Lethe itself failed. */
  failure: 1,
  /** The input is wrong; nothing was created. */
  badInput: 2,
  /** Settled with something missing, cancelled, or a finding that needs a hand. */
  incomplete: 3,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Thrown when what the person gave cannot be used: the message says what was expected, what came and what to do. Exit 2. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}
