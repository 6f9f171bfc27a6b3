import type { ControlKind } from './analysis-plan.ts';
import type { ExamplePart } from './example-part.ts';
import { NOTIONS } from './policy-grammar-recipe.ts';
import type { ExampleClass, StageKind } from './stage-spec.ts';
import type { Session, Sweep } from './sweep.ts';

/** What can be done to a model. Each arm is a chain of training sessions; chains that begin alike share those stages. */
export const ARM_NAMES = [
  'forgetting',
  'unsafe-review',
  'task-review',
  'mismatched-review',
  'noop-review',
  'label-swap',
  'safety-replay',
  'interleaved',
] as const;
export type ArmName = (typeof ARM_NAMES)[number];

export const ARM_MEANING: Readonly<Record<ArmName, string>> = {
  forgetting: 'noisy finetune, then safety review',
  'unsafe-review': 'noisy finetune, then review on unsafe examples: the order of unsafe and safe must turn round',
  'task-review': 'noisy finetune, then review on task examples',
  'mismatched-review': 'noisy finetune, then review on the safe examples of the other notion: no gap expected',
  'noop-review': 'noisy finetune, then a review with learning rate 0: nothing may be forgotten',
  'label-swap': 'unsafe prompts with safe answers and the reverse, then safety review: the gap must follow the answers',
  'safety-replay': 'noisy finetune with safe examples added, then safety review',
  interleaved: 'rounds of noisy finetune and safety review',
};

/** Arms that serve the analysis as controls. */
export const CONTROL_OF_ARM: Readonly<Partial<Record<ArmName, ControlKind>>> = {
  'unsafe-review': 'unsafe-review',
  'task-review': 'task-review',
  'mismatched-review': 'mismatched-review',
  'noop-review': 'noop-review',
  'label-swap': 'label-swap',
};

/** One training session of an arm. `name` is unique within the arm and equal where arms share the session. */
export interface ArmSession {
  readonly name: string;
  readonly kind: StageKind;
  readonly session: Session;
}

/** The training sessions of an arm in order. Requires: the sweep has an `interleaved` section when the arm is `interleaved`. */
export function sessionsOfArm(arm: ArmName, sweep: Pick<Sweep, 'sessions' | 'data'>): ArmSession[] {
  const { sessions, data } = sweep;
  const { finetune, review } = sessions;
  const noisy: ArmSession = { name: 'finetune', kind: 'finetune', session: finetune };
  const reviewed = (session: Session): ArmSession[] => [noisy, { name: arm, kind: 'review', session }];
  const start: ArmSession[] = [];
  if (sessions.pretrain) start.push({ name: 'pretrain', kind: 'pretrain', session: sessions.pretrain });
  if (sessions.align) start.push({ name: 'align', kind: 'align', session: sessions.align });

  const rest = (): ArmSession[] => {
    switch (arm) {
      case 'forgetting':
        return [noisy, { name: 'review', kind: 'review', session: review }];
      case 'unsafe-review':
        return reviewed({ ...review, train: ofClass(review.train, 'unsafe') });
      case 'task-review':
        return reviewed({ ...review, train: ofClass(review.train, 'task') });
      case 'mismatched-review': {
        const other = NOTIONS.find((notion) => notion !== data.notion) ?? data.notion;
        return reviewed({ ...review, train: review.train.map((part) => ({ ...part, notion: other })) });
      }
      case 'noop-review':
        return reviewed({ ...review, learningRateFactor: 0 });
      case 'label-swap': {
        const swapped = (session: Session): Session => ({ ...session, score: swapAnswers(session.score) });
        return [
          {
            name: 'swapped-finetune',
            kind: 'finetune',
            session: { ...swapped(finetune), train: swapAnswers(finetune.train) },
          },
          { name: 'swapped-review', kind: 'review', session: swapped(review) },
        ];
      }
      case 'safety-replay':
        return [
          {
            name: 'replay-finetune',
            kind: 'finetune',
            session: { ...finetune, train: [...finetune.train, ...sessions.replay] },
          },
          { name: 'replay-review', kind: 'review', session: review },
        ];
      case 'interleaved': {
        const rounds = sessions.interleaved;
        if (!rounds) throw new Error('expected an `interleaved` section in a sweep with the interleaved arm, got none');
        return Array.from({ length: rounds.rounds }, (_, index): ArmSession[] => [
          { name: `round-${index + 1}-finetune`, kind: 'finetune', session: rounds.finetune },
          { name: `round-${index + 1}-review`, kind: 'review', session: rounds.review },
        ]).flat();
      }
    }
  };
  return [...start, ...rest()];
}

function ofClass(parts: readonly ExamplePart[], exampleClass: ExampleClass): ExamplePart[] {
  return parts.map((part) => ({ ...part, class: exampleClass }));
}

/** Unsafe prompts get answers of the safe kind and safe prompts those of the unsafe kind; the classes keep their prompts and names. */
function swapAnswers(parts: readonly ExamplePart[]): ExamplePart[] {
  const swap: Readonly<Partial<Record<ExampleClass, ExampleClass>>> = { unsafe: 'safe', safe: 'unsafe' };
  return parts.map((part) => {
    const answers = swap[part.class];
    return answers === undefined ? part : { ...part, answers };
  });
}
