import type { ExampleClass } from './stage-spec.ts';

/** Examples of different splits never share a prompt within one seed. */
export const SPLITS = ['align', 'noisy', 'review', 'replay', 'heldout'] as const;
export type Split = (typeof SPLITS)[number];

/** `count` examples of one class; a larger count of the same part begins with the same examples. */
export interface ExamplePart {
  readonly notion: string;
  readonly class: ExampleClass;
  readonly split: Split;
  /** Role of the answers when it is not the class's own (label swap). */
  readonly answers?: ExampleClass;
  readonly count: number;
}

export function rowsOf(parts: readonly { readonly count: number }[]): number {
  return parts.reduce((rows, part) => rows + part.count, 0);
}
