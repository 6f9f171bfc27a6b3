import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StageResult } from '../../src/artifacts/stage-result.ts';
import { readJson, temporaryStore, trainer, writerOf } from './support/trainer.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');

/**
 * What another CPU level, BLAS core or compiler may change, in nats of a response's log-probability: ten times what AVX2 and plain SSE differ by. Whoever moves
 * beyond raises the numerics version (native/src/stage/stage_spec.h, src/experiment/numerics-version.ts) and makes the fixture again.
 */
const TOLERANCES: Readonly<Record<number, number>> = { 0: 1e-5, 100: 0.02, 2000: 0.002, 6000: 0.0002 };

interface ScoreLine {
  readonly id: string;
  readonly tokens: number;
  readonly sumLogProb: number;
  readonly generated: readonly number[];
}

const scoresOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ScoreLine);

describe('the numerics of this build', () => {
  for (const [name, environment] of [
    ['at the best level of this CPU', {}],
    ['without vector instructions of this CPU', { LETHE_CPU_LEVEL: 'generic' }],
  ] as const) {
    it(`are those of the committed stage ${name}`, async () => {
      const store = temporaryStore();
      const committed = readJson<StageResult>(FIXTURES, 'stage/result.json');
      const stage = join(store.path, 'stages', committed.key);
      cpSync(join(FIXTURES, 'data'), join(store.path, 'data'), { recursive: true });
      cpSync(join(FIXTURES, 'stage/run.json'), join(stage, 'run.json'));
      expect(await trainer(stage, 1, [], environment).exit).toMatchObject({ code: 0, output: '' });
      expect(committed.anchors.map(({ step }) => step)).toEqual(Object.keys(TOLERANCES).map(Number));
      for (const anchor of committed.anchors) {
        const expected = scoresOf(join(FIXTURES, 'stage', anchor.path));
        const found = scoresOf(join(writerOf(stage, 1), `scores/step-${String(anchor.step).padStart(6, '0')}.jsonl`));
        expect(found.map(({ id, tokens }) => [id, tokens])).toEqual(expected.map(({ id, tokens }) => [id, tokens]));
        for (const [row, { id, sumLogProb }] of found.entries()) {
          const distance = Math.abs(sumLogProb - (expected[row]?.sumLogProb ?? Number.NaN));
          expect({ step: anchor.step, id, near: distance <= (TOLERANCES[anchor.step] ?? 0) }).toEqual({
            step: anchor.step,
            id,
            near: true,
          });
        }
        // By then every response is known by heart: no rounding turns one into another.
        if (anchor.step >= 2000)
          expect(found.map(({ generated }) => generated)).toEqual(expected.map(({ generated }) => generated));
      }
      store.remove();
    });
  }
});
