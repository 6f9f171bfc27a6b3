import { describe, expect, it } from 'vitest';
import type { AttemptExplanation } from '../../src/cli/explain-run.ts';
import { renderExplanation } from '../../src/cli/render-explanation.ts';
import { Output } from '../../src/cli/terminal/output.ts';
import type { Evidence } from '../../src/recovery/evidence.ts';

const IMAGE = 'registry/lethe-trainer@sha256:abc';

function attempt(number: number, changes: Partial<Evidence>): AttemptExplanation {
  const evidence: Evidence = {
    ...{ attempt: number, outcome: 'succeeded', rule: 'r', sentence: 's', checkpointStep: 1, reachedStep: 1 },
    ...{ writers: [], logTail: [], events: [], endedAt: '2026-01-01T00:00:00Z' },
    ...changes,
  };
  return { attempt: number, evidence, writers: [] };
}

describe('the explanation of a run', () => {
  it('names the image of each attempt of a cluster, whether it failed or not', () => {
    const attempts = [attempt(1, { outcome: 'failed', failure: 'crash', image: IMAGE }), attempt(2, { image: IMAGE })];
    const stage = {
      label: 'l',
      kind: 'finetune',
      key: 'k',
      state: 'done',
      inputs: [],
      alsoIn: [],
      overrides: [],
    } as const;
    const explanation = { sweep: 's', run: 'r', stages: [{ ...stage, attempts: [...attempts, attempt(3, {})] }] };
    const lines = renderExplanation(explanation, new Output({}), false);
    expect(lines.filter((line) => line.includes('image'))).toEqual([`     image: ${IMAGE}`, `     image: ${IMAGE}`]);
  });
});
