import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptFolder } from '../artifacts/attempt-folder.ts';
import { hasCode } from '../artifacts/publish.ts';
import type { Store } from '../artifacts/store.ts';
import type { StoredSweep } from '../artifacts/stored-sweeps.ts';
import type { PlanRun, PlanStage } from '../experiment/plan.ts';
import { BadInput } from './exit-codes.ts';
import { formatCount } from './terminal/duration.ts';

/** The stage of a run that is meant: by kind or name when `asked`, otherwise the first that is not done, otherwise the last. */
export async function stageOfRun(
  store: Store,
  { plan }: StoredSweep,
  run: PlanRun,
  asked?: string,
): Promise<PlanStage> {
  const stages = run.stages.map((number) => plan.stages[number]!);
  if (asked !== undefined) {
    const found = stages.findLast(
      (stage) => stage.kind === asked || stage.label === asked || stage.label.split('.').at(-2) === asked,
    );
    if (found !== undefined) return found;
    throw new BadInput(
      `expected a stage of ${run.id}, one of ${stages.map((stage) => stage.label).join(', ')}; got "${asked}"`,
    );
  }
  for (const stage of stages) if ((await store.stage(stage.key).result()) === undefined) return stage;
  return stages.at(-1)!;
}

/** Where the newest writer of the attempt is, or how it ended: a job that fares well says little in its log. */
export async function progressOf(attempt: AttemptFolder): Promise<string | undefined> {
  const writer = (await attempt.writers()).at(-1);
  if (writer === undefined) return undefined;
  const [progress, outcome] = await Promise.all([writer.progress(), writer.outcome()]);
  const step =
    progress &&
    `step ${progress.step}/${progress.steps}, loss ${progress.loss.toPrecision(3)}, ${formatCount(progress.tokensPerSecond)} tok/s`;
  const end = outcome && `exit ${outcome.code} at step ${outcome.step}: ${outcome.sentence}`;
  return [step, end].filter((part) => part !== undefined).join('; ') || undefined;
}

const POLL_MS = 300;

/** Shows what is appended to the log from now on, until the attempt is over. */
export async function followLog(attempt: AttemptFolder, show: (line: string) => void): Promise<void> {
  let position = await sizeOf(attempt.logPath);
  let rest = '';
  for (;;) {
    const over = (await attempt.evidence()) !== undefined;
    const { text, end } = await readFrom(attempt.logPath, position);
    position = end;
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) show(line);
    if (over) {
      if (rest !== '') show(rest);
      return;
    }
    await sleep(POLL_MS);
  }
}

async function sizeOf(path: string): Promise<number> {
  return (await readFrom(path, Number.POSITIVE_INFINITY)).end;
}

async function readFrom(path: string, position: number): Promise<{ text: string; end: number }> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (position >= size) return { text: '', end: size };
    const buffer = Buffer.alloc(size - position);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    return { text: buffer.subarray(0, bytesRead).toString('utf8'), end: position + bytesRead };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { text: '', end: 0 };
    throw error;
  }
}
