import type { Plan, PlanStage } from '../experiment/plan.ts';

/** One field of a stage's spec that is not the same in two plans. `before` or `now` is absent where the field is. */
export interface FieldDifference {
  readonly field: string;
  readonly before?: string;
  readonly now?: string;
}

export interface PlanDifference {
  readonly runsAdded: readonly string[];
  readonly runsGone: readonly string[];
  /** Stages of the new plan whose key the old one has too: their work is reused. */
  readonly kept: number;
  readonly stages: readonly StageDifference[];
  readonly analysis: readonly FieldDifference[];
}

/** Stages of one name with another key. Differences that only follow from a parent's are left out when there is another cause. */
export interface StageDifference {
  readonly label: string;
  readonly fields: readonly FieldDifference[];
}

/** What a person changed between two plans of one name. Pure. */
export function comparePlans(before: Plan, now: Plan): PlanDifference {
  const oldRuns = new Set(before.runs.map((run) => run.id));
  const newRuns = new Set(now.runs.map((run) => run.id));
  const oldKeys = new Set(before.stages.map((stage) => stage.key));
  const oldByLabel = new Map(before.stages.map((stage) => [stage.label, stage]));
  return {
    runsAdded: [...newRuns].filter((id) => !oldRuns.has(id)),
    runsGone: [...oldRuns].filter((id) => !newRuns.has(id)),
    kept: now.stages.filter((stage) => oldKeys.has(stage.key)).length,
    stages: now.stages.flatMap((stage) => {
      const old = oldByLabel.get(stage.label);
      return old === undefined || old.key === stage.key
        ? []
        : [{ label: stage.label, fields: compareStages(old, stage) }];
    }),
    analysis: compareFields(before.analysis, now.analysis),
  };
}

/** Which inputs make the key of a stage another one than before. */
export function compareStages(before: Pick<PlanStage, 'spec'>, now: Pick<PlanStage, 'spec'>): FieldDifference[] {
  const all = compareFields(before.spec, now.spec);
  // A digest differs because its recipe does, and a parent's key because the parent does: both only echo a cause that is named elsewhere.
  const causes = all.filter(({ field }) => !/(^|\.)data\.digest$/.test(field) && field !== 'start.key');
  return causes.length > 0 ? causes : all;
}

/** The change of the plan in a few lines: fields that changed alike in many stages are named once. */
export function describeDifference(difference: PlanDifference, most = 12): string[] {
  const lines: string[] = [];
  if (difference.runsAdded.length > 0) lines.push(`runs added: ${shorten(difference.runsAdded)}`);
  if (difference.runsGone.length > 0) lines.push(`runs gone: ${shorten(difference.runsGone)}`);
  const changes = new Map<string, string[]>();
  for (const { label, fields } of difference.stages) {
    for (const { field, before, now } of fields) {
      if (field === 'start.key' && difference.stages.length > 1) continue;
      const change = `${field}: ${before ?? 'absent'} → ${now ?? 'absent'}`;
      changes.set(change, [...(changes.get(change) ?? []), label]);
    }
  }
  for (const [change, labels] of [...changes].slice(0, most)) lines.push(`${change} (${shorten(labels)})`);
  if (changes.size > most) lines.push(`… and ${changes.size - most} more changes`);
  for (const { field, before, now } of difference.analysis)
    lines.push(`analysis.${field}: ${before ?? 'absent'} → ${now ?? 'absent'}`);
  if (lines.length === 0) lines.push('the order of runs or stages only');
  lines.push(`${difference.kept} stages keep their key and are reused`);
  return lines;
}

function compareFields(before: unknown, now: unknown, path = ''): FieldDifference[] {
  if (Object.is(before, now)) return [];
  const isBranch = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
  if (isBranch(before) && isBranch(now) && Array.isArray(before) === Array.isArray(now)) {
    if (Array.isArray(before) && before.every((value) => !isBranch(value))) {
      return JSON.stringify(before) === JSON.stringify(now) ? [] : [leaf(path, before, now)];
    }
    const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
    return names.flatMap((name) => compareFields(before[name], now[name], path === '' ? name : `${path}.${name}`));
  }
  return [leaf(path, before, now)];
}

function leaf(field: string, before: unknown, now: unknown): FieldDifference {
  return {
    field,
    ...(before === undefined ? {} : { before: shown(before) }),
    ...(now === undefined ? {} : { now: shown(now) }),
  };
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (/^[0-9a-f]{64}$/.test(text)) return text.slice(0, 12);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function shorten(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;
}
