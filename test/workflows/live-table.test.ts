import { describe, expect, it } from 'vitest';
import type { ParkedReason, ScheduledStage } from '../../src/activities/plan-page.ts';
import { liveTable } from '../../src/workflows/live-table.ts';
import { StageBoard } from '../../src/workflows/stage-board.ts';
import { overviewOf } from '../../src/workflows/sweep-overview.ts';

const SWEEP = { storeId: 'abcdef0123', sweepId: 'demo~1234', namespace: 'lethe' };

/** Independent stages `m.finetune.s0`…, each for two runs. */
function board(count: number): StageBoard {
  const stages = Array.from({ length: count }, (_, number): ScheduledStage => {
    const named = { key: String(number).padStart(64, '0'), kind: 'finetune', model: 'm', seed: number } as const;
    return { ...named, number, label: `m.finetune.s${number}`, parents: [], parameters: 1, state: 'open' };
  });
  const runs = stages.flatMap(({ number }) =>
    ['a', 'b'].map((arm) => ({ id: `m.${arm}.s${number}`, arm, stages: [number] })),
  );
  return new StageBoard(stages, runs, 'as-listed');
}

function show(stages: StageBoard): string {
  const told = { phase: 'scheduling', jobsStarted: 0, jobsReused: 0 } as const;
  return liveTable(SWEEP, stages, overviewOf(SWEEP.sweepId, stages, { models: new Set(), sweep: false }, told));
}

describe('the live table', () => {
  it('begins with what is parked: link, class, rule, sentence, missing runs and what to type', () => {
    const stages = board(2);
    const reason: ParkedReason = { class: 'data', rule: 'a rule', sentence: 'a sentence', attempt: 3 };
    stages.markParked(1, reason);
    expect(show(stages).split('\n')).toEqual(
      expect.arrayContaining([
        '**demo~1234** · scheduling · 0 of 2 stages done, 1 waiting, 1 parked',
        '- **[m.finetune.s1](/namespaces/lethe/workflows/abcdef%2Ffinetune~000000000000)** · **data**, attempt 3: a rule  ',
        '  *a sentence*  ',
        '  missing: m.a.s1, m.b.s1  ',
        '  `lethe retry demo~1234/m.finetune.s1`',
        'All at once: `lethe retry demo~1234 --failed`',
        '| [m.finetune.s0](/namespaces/lethe/workflows/abcdef%2Ffinetune~000000000000) | ready | m.a.s0, m.b.s0 |',
      ]),
    );
  });

  it('shows what others wrote as text, on one line, whatever it holds', () => {
    const stages = board(1);
    stages.markParked(0, { class: 'crash', rule: 'r', sentence: '[x](y) | <b>*\n`z`', attempt: 1 });
    expect(show(stages)).toContain('*\\[x\\](y) \\| \\<b\\>\\* \\`z\\`*');
  });

  it('stays short in a sweep of thousands of stages', () => {
    const stages = board(5_000);
    for (let number = 0; number < 1_000; number += 1) {
      stages.markParked(number, { class: 'crash', rule: 'r', sentence: 's'.repeat(300), attempt: 1 });
    }
    const text = show(stages);
    expect(text).toContain('and 950 more');
    expect(text.length).toBeLessThan(100_000);
  });
});
