import { describe, expect, it } from 'vitest';
import { ARM_MEANING, ARM_NAMES, type ArmName, CONTROL_OF_ARM, sessionsOfArm } from '../../src/experiment/arm.ts';
import { sampleSweep } from './sample-sweep.ts';

const sweep = sampleSweep();

function chain(arm: ArmName) {
  return sessionsOfArm(arm, sweep);
}

describe('sessionsOfArm', () => {
  it('begins every arm with the same alignment and explains each arm', () => {
    for (const arm of ARM_NAMES) {
      expect(chain(arm)[0]?.session).toBe(sweep.sessions.align);
      expect(ARM_MEANING[arm]).not.toBe('');
    }
  });

  it('shares the noisy finetune between forgetting and the controls that differ in their review only', () => {
    for (const arm of ['unsafe-review', 'task-review', 'mismatched-review', 'noop-review'] as const) {
      expect(CONTROL_OF_ARM[arm]).toBe(arm);
      expect(chain(arm)[1]?.session).toBe(chain('forgetting')[1]?.session);
      expect(chain(arm)[2]?.kind).toBe('review');
      expect(chain(arm)[2]?.session.score).toEqual(sweep.sessions.finetune.train);
    }
  });

  it('reviews on unsafe, task, and the other notion, or not at all', () => {
    const reviewed = (arm: ArmName) => chain(arm)[2]!.session;
    const part = { notion: 'disclosure', class: 'safe', split: 'review', count: 16 };
    expect(reviewed('forgetting').train).toEqual([part]);
    expect(reviewed('unsafe-review').train).toEqual([{ ...part, class: 'unsafe' }]);
    expect(reviewed('task-review').train).toEqual([{ ...part, class: 'task' }]);
    expect(reviewed('mismatched-review').train).toEqual([{ ...part, notion: 'permission' }]);
    expect(reviewed('noop-review')).toEqual({ ...reviewed('forgetting'), learningRateFactor: 0 });
  });

  it('swaps the answers of unsafe and safe prompts in training and in scoring, not in the review', () => {
    const [, finetune, review] = chain('label-swap');
    const answers = finetune!.session.train.map((part) => [part.class, part.answers]);
    expect(answers).toEqual([
      ['unsafe', 'safe'],
      ['safe', 'unsafe'],
      ['task', undefined],
    ]);
    expect(finetune!.session.score).toEqual(finetune!.session.train);
    expect(review!.session.score).toEqual(finetune!.session.train);
    expect(review!.session.train).toEqual(sweep.sessions.review.train);
  });

  it('adds as many safe examples as there are unsafe ones, which no other session has, and scores the noisy set alone', () => {
    const [, finetune, review] = chain('safety-replay');
    expect(finetune!.session.train).toEqual([
      ...sweep.sessions.finetune.train,
      { notion: 'disclosure', class: 'safe', split: 'replay', count: 16 },
    ]);
    expect(finetune!.session.score).toEqual(sweep.sessions.finetune.train);
    expect(review!.session).toBe(sweep.sessions.review);
  });

  it('alternates finetune and review in rounds', () => {
    const rounds = chain('interleaved').slice(1);
    expect(rounds.map(({ name, kind }) => [name, kind])).toEqual([
      ['round-1-finetune', 'finetune'],
      ['round-1-review', 'review'],
      ['round-2-finetune', 'finetune'],
      ['round-2-review', 'review'],
    ]);
  });
});
