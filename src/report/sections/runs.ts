import type { MissingRun } from '../../statistics/analysis.ts';
import { instant, MISSING, plural, short } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { ReportAttempt, ReportStage, SweepFacts } from '../report-input.ts';
import { table, tag } from '../table.ts';
import { section } from './figures.ts';

const STAGE_TAGS: Readonly<Record<ReportStage['state'], Html>> = {
  done: tag('good', 'done'),
  parked: tag('bad', 'parked'),
  held: tag('warn', 'held by breaker'),
  cancelled: tag('warn', 'cancelled'),
  'not-started': tag('plain', 'not started'),
};

/** Every run, every stage and every attempt: what failed, by which rule, and what it cost. Missing runs come first. */
export function runsSection(input: SweepFacts, missing: readonly MissingRun[], planned: number): Html {
  return section(
    'runs',
    'Runs and attempts',
    html`${missingRuns(input, missing)}${failures(input)}${runList(input)}${stageList(input)}`,
    `${plural(planned - missing.length, 'run')} of ${planned} planned. A stage that several runs share was trained once.`,
  );
}

function missingRuns(input: SweepFacts, missing: readonly MissingRun[]): Html {
  if (missing.length === 0) return html`<p>${tag('good', 'complete')} No run is missing.</p>`;
  const commands = new Map(input.runs.map((run) => [run.run, run]));
  return table(
    `${plural(missing.length, 'missing run')}: left out of every number, listed here`,
    [
      { title: 'run', kind: 'plain' },
      { title: 'why', kind: 'text' },
      { title: 'continue with', kind: 'plain' },
    ],
    missing.map((one) => {
      const command = commands.get(one.run)?.command;
      return [
        one.run,
        commands.get(one.run)?.reason ?? one.why,
        command === undefined ? MISSING : html`<code>${command}</code>`,
      ];
    }),
  );
}

function failures(input: SweepFacts): Html {
  const rows = input.stages.flatMap((stage) =>
    stage.attempts.filter((attempt) => attempt.outcome !== 'succeeded').map((attempt) => attemptCells(stage, attempt)),
  );
  if (rows.length === 0) return html`<p>${tag('good', 'smooth')} No attempt failed or was stopped.</p>`;
  return table(
    `${plural(rows.length, 'attempt')} that failed or ${rows.length === 1 ? 'was' : 'were'} stopped`,
    [
      { title: 'stage', kind: 'plain' },
      { title: 'attempt', kind: 'num' },
      { title: 'class', kind: 'plain' },
      { title: 'rule', kind: 'text' },
      { title: 'in its words', kind: 'text' },
      { title: 'steps lost', kind: 'num' },
      { title: 'ended', kind: 'plain' },
    ],
    rows,
  );
}

function attemptCells(stage: ReportStage, attempt: ReportAttempt): readonly (string | Html)[] {
  return [
    html`<span title="${stage.key}">${stage.label}</span>`,
    String(attempt.attempt),
    attempt.outcome === 'stopped' ? tag('plain', 'stopped') : tag('warn', attempt.failure ?? 'failed'),
    attempt.rule,
    attempt.sentence,
    String(attempt.stepsLost),
    attempt.endedAt === undefined ? MISSING : instant(attempt.endedAt),
  ];
}

function runList(input: SweepFacts): Html {
  const stages = new Map(input.stages.map((stage) => [stage.key, stage]));
  return html`<details><summary>All ${plural(input.runs.length, 'run')}</summary>${table(
    'Runs, in the order of the plan',
    [
      { title: 'run', kind: 'plain' },
      { title: 'state', kind: 'plain' },
      { title: 'stages', kind: 'text' },
      { title: 'attempts', kind: 'num' },
    ],
    input.runs.map((run) => {
      const own = run.stages.map((key) => stages.get(key));
      return [
        run.run,
        run.state === 'done' ? tag('good', 'done') : tag('bad', 'missing'),
        own.map((stage) => stage?.label ?? 'unknown').join(' → '),
        String(own.reduce((sum, stage) => sum + (stage?.attempts.length ?? 0), 0)),
      ];
    }),
  )}</details>`;
}

function stageList(input: SweepFacts): Html {
  return html`<details><summary>All ${plural(input.stages.length, 'stage')}</summary>${table(
    'Stages by key; “reused” were made by an earlier sweep',
    [
      { title: 'stage', kind: 'plain' },
      { title: 'key', kind: 'plain' },
      { title: 'state', kind: 'plain' },
      { title: 'steps', kind: 'num' },
      { title: 'ended by', kind: 'plain' },
      { title: 'attempts', kind: 'num' },
      { title: 'steps lost', kind: 'num' },
      { title: 'remarks', kind: 'plain' },
    ],
    input.stages.map((stage) => [
      stage.label,
      html`<span class="key">${short(stage.key)}</span>`,
      STAGE_TAGS[stage.state],
      stage.steps === undefined ? MISSING : String(stage.steps),
      stage.stoppedBy === 'stop-rule' ? 'stop rule' : stage.stoppedBy === 'step-limit' ? 'step limit' : MISSING,
      String(stage.attempts.length),
      String(stage.attempts.reduce((sum, attempt) => sum + attempt.stepsLost, 0)),
      [stage.reused && 'reused', stage.microBatchChanged && 'micro-batch changed'].filter(Boolean).join(', '),
    ]),
  )}</details>`;
}
