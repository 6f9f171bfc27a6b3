import type { AttemptExplanation, RunExplanation, StageExplanation } from './explain-run.ts';
import type { Output } from './terminal/output.ts';
import { cut } from './terminal/table.ts';

/** The explanation of a run for a person: a block per stage, a line per attempt and writer. `allInputs` lists what the keys cover. */
export function renderExplanation(explanation: RunExplanation, output: Output, allInputs: boolean): string[] {
  const against = explanation.previousSweep === undefined ? '' : `, against ${explanation.previousSweep}`;
  return [
    output.paint('strong', `${explanation.run} of ${explanation.sweep}${against}`),
    ...explanation.stages.flatMap((stage, index) => ['', ...stageLines(stage, index, output, allInputs)]),
  ];
}

function stageLines(stage: StageExplanation, index: number, output: Output, allInputs: boolean): string[] {
  const lines = [
    output.paint('strong', `${index + 1}. ${stage.label} (${stage.kind}): ${stage.state}`),
    `   key ${stage.key}`,
  ];
  lines.push(...decidedBy(stage));
  if (allInputs) lines.push(...stage.inputs.map(({ field, value }) => `     ${field} = ${cut(value, 100)}`));
  if (stage.change?.kind === 'same') lines.push('   same key as in the previous plan: its work is reused');
  if (stage.change?.kind === 'new') lines.push('   the previous plan has no stage of this name');
  if (stage.change?.kind === 'changed') {
    lines.push('   another key than in the previous plan, because of:');
    for (const { field, before, now } of stage.change.fields)
      lines.push(`     ${field}: ${before ?? 'absent'} → ${now ?? 'absent'}`);
  }
  if (stage.alsoIn.length > 0) lines.push(`   the same stage in: ${stage.alsoIn.join(', ')}`);
  for (const override of stage.overrides)
    lines.push(`   ${override.by} said at ${override.at}: ${overrideText(override)}`);
  lines.push(...stage.attempts.flatMap((attempt) => attemptLines(attempt, output)));
  const last = stage.attempts.at(-1)?.evidence;
  if (stage.result === undefined && last !== undefined && last.outcome === 'failed') {
    lines.push(`   when it is parked, this goes on: lethe retry ${stage.label}`);
  }
  if (stage.result !== undefined) {
    const { steps, stoppedBy, trainerBuild, anchors, microBatchChanged } = stage.result;
    lines.push(
      `   result: ${steps} steps (${stoppedBy}), ${anchors.length} anchors, trainer ${trainerBuild.slice(0, 12)}${microBatchChanged ? ', micro-batch was changed on the way' : ''}`,
    );
  }
  if (stage.link !== undefined) lines.push(`   history: ${stage.link}`);
  return lines;
}

/** The inputs that people change most; the rest is behind --inputs. */
function decidedBy(stage: StageExplanation): string[] {
  const wanted = [
    'start.kind',
    'start.key',
    'start.digest',
    'start.seed',
    'seed',
    'train.data.digest',
    'train.batch',
    'train.steps',
    'train.optimizer.learningRate',
    'score.data.digest',
    'backend',
    'precision',
    'numerics',
  ];
  const shown = wanted.flatMap((field) => {
    const input = stage.inputs.find((each) => each.field === field);
    return input === undefined
      ? []
      : [`${field} ${/^[0-9a-f]{64}$/.test(input.value) ? input.value.slice(0, 12) : input.value}`];
  });
  return [`   decided by ${shown.join(' · ')}`];
}

function attemptLines(attempt: AttemptExplanation, output: Output): string[] {
  const { evidence, stop } = attempt;
  const tone = evidence === undefined ? 'warn' : evidence.outcome === 'failed' ? 'bad' : 'good';
  const end =
    evidence === undefined
      ? 'under way'
      : `${evidence.outcome}${evidence.failure === undefined ? '' : ` as ${evidence.failure}`} at step ${evidence.reachedStep}, newest checkpoint ${evidence.checkpointStep}`;
  const lines = [
    `   attempt ${attempt.attempt}: ${output.paint(tone, end)}${attempt.process === undefined ? '' : ` (${attempt.process})`}`,
  ];
  if (evidence !== undefined && evidence.outcome !== 'succeeded') {
    lines.push(`     rule: ${evidence.rule}`, `     said: ${evidence.sentence}`);
    const how = [
      ...(evidence.exitCode === undefined ? [] : [`exit ${evidence.exitCode}`]),
      ...(evidence.signal === undefined ? [] : [evidence.signal]),
      ...evidence.events,
    ];
    if (how.length > 0) lines.push(`     seen: ${how.join(' · ')}`);
  }
  if (evidence?.image !== undefined) lines.push(`     image: ${evidence.image}`);
  if (stop !== undefined)
    lines.push(
      `     stopped by ${stop.by}: ${stop.why} (charged to ${stop.charge === 'none' ? 'no budget' : (stop.failure ?? 'stuck')})`,
    );
  for (const writer of attempt.writers) {
    const reached = writer.reachedStep === undefined ? '' : `, reached step ${writer.reachedStep}`;
    const outcome = writer.outcome === undefined ? '' : `, ${writer.outcome}`;
    lines.push(
      output.paint(
        writer.role === 'superseded' ? 'faint' : 'good',
        `     writer ${writer.name} from ${writer.from}${reached}${outcome} [${writer.role}]`,
      ),
    );
  }
  return lines;
}

function overrideText(override: object): string {
  const { sequence: _, by: __, at: ___, ...said } = override as Record<string, unknown>;
  return JSON.stringify(said);
}
