import { EXAMPLE_CLASSES, type ExampleClass } from '../experiment/stage-spec.ts';
import type { RunRow, ScoreRow } from './score-row.ts';

/** The scores of one run as columns over its examples (ascending by name), one set of columns an anchor. */
export interface RunScores {
  readonly run: RunRow;
  readonly rows: number;
  readonly examples: readonly string[];
  /** Index into EXAMPLE_CLASSES. */
  readonly classes: Uint8Array;
  readonly notions: readonly string[];
  readonly clusters: readonly string[];
  /** By session, then step. */
  readonly anchors: readonly AnchorScores[];
}

export interface AnchorScores {
  readonly session: number;
  readonly step: number;
  /** Mean log-probability per response token; NaN where the example was not scored at this anchor. */
  readonly nats: Float64Array;
  readonly rouge1: Float64Array;
  readonly exact: Uint8Array;
}

/** What the rows of one example have in common. */
export interface ExampleOfRun {
  readonly example: string;
  readonly class: ExampleClass;
  readonly notion: string;
  readonly cluster: string;
}

/** Thrown when the rows of a table contradict each other. */
export class InconsistentScores extends Error {
  override readonly name = 'InconsistentScores';
}

/** Collects the rows of one run, in any order, by the number of their example. */
export class RunScoresBuilder {
  private readonly run: RunRow;
  private readonly examples: readonly ExampleOfRun[];
  private readonly anchors = new Map<string, AnchorScores>();
  private current: AnchorScores | undefined;
  private rows = 0;

  /** Requires: `examples` ascending by name (`byCodeUnit`). */
  constructor(run: RunRow, examples: readonly ExampleOfRun[]) {
    this.run = run;
    this.examples = examples;
    examples.forEach((own, i) => {
      const previous = examples[i - 1];
      if (previous?.example !== own.example) return;
      throw new InconsistentScores(
        `expected example ${own.example} of run ${run.run} with one class, notion and cluster, got ` +
          `${previous.class}/${previous.notion}/${previous.cluster} and ${own.class}/${own.notion}/${own.cluster}`,
      );
    });
  }

  add(session: number, step: number, item: number, nats: number, rouge1: number, exact: boolean): void {
    const anchor = this.anchorOf(session, step);
    if (!Number.isNaN(anchor.nats[item] as number)) {
      throw new InconsistentScores(
        `expected one row for run ${this.run.run}, session ${session}, step ${step}, example ${this.examples[item]?.example}, got two`,
      );
    }
    anchor.nats[item] = nats;
    anchor.rouge1[item] = rouge1;
    anchor.exact[item] = exact ? 1 : 0;
    this.rows += 1;
  }

  finish(): RunScores {
    return {
      run: this.run,
      rows: this.rows,
      examples: this.examples.map(({ example }) => example),
      classes: Uint8Array.from(this.examples, (own) => EXAMPLE_CLASSES.indexOf(own.class)),
      notions: this.examples.map(({ notion }) => notion),
      clusters: this.examples.map(({ cluster }) => cluster),
      anchors: [...this.anchors.values()].sort((a, b) => a.session - b.session || a.step - b.step),
    };
  }

  private anchorOf(session: number, step: number): AnchorScores {
    if (this.current?.session === session && this.current.step === step) return this.current;
    const name = `${session}/${step}`;
    let anchor = this.anchors.get(name);
    if (anchor === undefined) {
      const n = this.examples.length;
      const nothing = (): Float64Array => new Float64Array(n).fill(Number.NaN);
      anchor = { session, step, nats: nothing(), rouge1: nothing(), exact: new Uint8Array(n) };
      this.anchors.set(name, anchor);
    }
    this.current = anchor;
    return anchor;
  }
}

/** The columns of one run from its rows, in any order. */
export function runScoresOf(run: RunRow, rows: readonly ScoreRow[]): RunScores {
  const distinct = new Map<string, ExampleOfRun>();
  for (const row of rows) {
    const { example, class: name, notion, cluster } = row;
    distinct.set(`${example}\n${name}\n${notion}\n${cluster}`, { example, class: name, notion, cluster });
  }
  const examples = [...distinct.values()].sort((a, b) => byCodeUnit(a.example, b.example));
  const builder = new RunScoresBuilder(run, examples);
  const numberOf = new Map(examples.map(({ example }, i) => [example, i]));
  for (const row of rows) {
    const item = numberOf.get(row.example) as number;
    builder.add(row.session, row.step, item, row.sumLogProb / row.tokens, row.rouge1, row.exactMatch);
  }
  return builder.finish();
}

/** The order of names everywhere: by UTF-16 code unit, free of locales. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
