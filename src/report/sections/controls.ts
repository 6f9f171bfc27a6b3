import type { ControlOutcome } from '../../statistics/analysis.ts';
import { prose } from '../format.ts';
import { type Html, html } from '../html.ts';
import { withInterval } from '../primary.ts';
import type { ReportInput } from '../report-input.ts';
import { table, tag } from '../table.ts';
import { section } from './figures.ts';

const OUTCOMES: Readonly<Record<ControlOutcome, readonly ['good' | 'warn' | 'bad' | 'plain', string]>> = {
  passed: ['good', 'as expected'],
  failed: ['bad', 'not as expected'],
  undecided: ['warn', 'undecided'],
  'not-run': ['plain', 'not run'],
};

/** Controls can sink the claim: what each must show, and what it showed. */
export function controlsSection(input: ReportInput): Html {
  const { controls } = input.analysis;
  if (controls.length === 0) {
    return section(
      'controls',
      'Controls',
      html`<p class="empty">The plan names no control. Whether forgetting follows unsafety or merely the review set stays open.</p>`,
    );
  }
  return section(
    'controls',
    'Controls',
    table(
      'Control arms, what each must show if the claim is right, and what it showed',
      [
        { title: 'control', kind: 'plain' },
        { title: 'outcome', kind: 'plain' },
        { title: 'must show', kind: 'text' },
        { title: 'showed', kind: 'text' },
        { title: 'estimate (95\u00a0%)', kind: 'num' },
      ],
      controls.map((control) => {
        const [tone, word] = OUTCOMES[control.outcome];
        return [
          control.kind,
          tag(tone, word),
          prose(control.expectation),
          prose(control.seen.replace(/^seen: /, '')),
          withInterval(control.estimate),
        ];
      }),
    ),
    'One control that ran and came out otherwise makes the verdict INVALID; one that did not run caps it.',
  );
}
