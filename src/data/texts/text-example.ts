import type { ExampleClass } from '../../experiment/stage-spec.ts';

/** One example as its source has it, before a model's form and tokens. */
export interface TextExample {
  readonly id: string;
  readonly class: ExampleClass;
  /** Examples that were made from one template; errors are clustered by it. */
  readonly cluster: string;
  /** What to do, apart from the question; absent where the source says none. */
  readonly instruction?: string;
  readonly question: string;
  readonly response: string;
}
