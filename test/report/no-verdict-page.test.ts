import { describe, expect, it } from 'vitest';
import { noVerdictPage } from '../../src/report/no-verdict-page.ts';
import type { ReportInput } from '../../src/report/report-input.ts';

const input: Omit<ReportInput, 'analysis'> = {
  sweep: 'tiny~0123456789ab',
  runs: [
    {
      ...{ run: 'd8.forgetting.s1', arm: 'forgetting', model: 'd8', seed: 1, state: 'missing', stages: ['k'] },
      reason: 'd8.finetune.s1: crash, ended by <SIGKILL>',
      command: 'lethe retry tiny~0123456789ab/d8.finetune.s1',
    },
  ],
  stages: [
    {
      ...{
        key: 'k',
        label: 'd8.finetune.s1',
        kind: 'finetune',
        state: 'parked',
        reused: false,
        microBatchChanged: false,
      },
      attempts: [
        {
          ...{
            attempt: 4,
            outcome: 'failed',
            failure: 'crash',
            rule: 'ended by SIGKILL',
            sentence: 'it died & said nothing',
          },
          stepsLost: 3,
        },
      ],
    },
  ],
  policyGrammar: true,
  provenance: {
    ...{ seeds: [1], data: [], trainerBuilds: [], numerics: [], versions: {}, reproduce: [] },
    code: { version: '0.1.0' },
  },
  generatedAt: '2026-01-02T03:04:05Z',
};

describe('the page of a sweep without a whole run', () => {
  it('says that there is no verdict, what is missing and why, and what to type', () => {
    const page = noVerdictPage(input);
    expect(page).toContain('NO VERDICT');
    expect(page).toContain('d8.forgetting.s1');
    expect(page).toContain('<code>lethe retry tiny~0123456789ab/d8.finetune.s1</code>');
    expect(page).toContain('it died &amp; said nothing');
  });

  it('lets no text become a tag, and needs nothing from the network', () => {
    const page = noVerdictPage(input);
    expect(page).toContain('ended by &lt;SIGKILL&gt;');
    expect(page).not.toMatch(/<(script|link rel="stylesheet"|img)|https?:\/\//);
  });
});
