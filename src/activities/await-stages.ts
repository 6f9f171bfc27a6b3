import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { BadFile } from '../artifacts/read-json.ts';
import type { StageFolder } from '../artifacts/stage-folder.ts';
import { SweepFolder } from '../artifacts/sweep-folder.ts';
import type { StageKind } from '../experiment/stage-spec.ts';
import type { ActivityParts } from './activity-parts.ts';
import { DAMAGED_FILE, decideNext, parkedReason } from './decide-next.ts';
import type { SettledStage, StageEnd } from './stage-end.ts';

export interface AwaitedStage {
  readonly number: number;
  readonly kind: StageKind;
  readonly key: string;
}

export interface AwaitStagesRequest {
  readonly sweepId: string;
  readonly stages: readonly AwaitedStage[];
}

const FIRST_POLL_MS = 250;
const LONGEST_POLL_MS = 3_000;
/** The store is asked at every look, the server at each third: most stages end with a result. */
const LOOKS_PER_QUESTION = 3;
const ASKED_AT_ONCE = 16;

/**
 * Returns with whichever stages have settled, at least one. Looks at the store and at the workflows that own them; one that ended without a result and without
 * a decision is `gone`, and the caller takes it over.
 */
export function makeAwaitStages(parts: ActivityParts) {
  return async function awaitStages({ sweepId, stages }: AwaitStagesRequest): Promise<SettledStage[]> {
    const context = Context.current();
    let pollMs = FIRST_POLL_MS;
    for (let look = 0; ; look += 1) {
      context.heartbeat({ awaited: stages.length });
      const asks = look % LOOKS_PER_QUESTION === 0;
      const settled: SettledStage[] = [];
      for (let from = 0; from < stages.length; from += ASKED_AT_ONCE) {
        const batch = stages.slice(from, from + ASKED_AT_ONCE);
        const ends = await Promise.all(batch.map((stage) => endOf(parts, sweepId, stage, asks)));
        for (const [index, end] of ends.entries()) {
          const number = batch[index]?.number;
          if (end !== undefined && number !== undefined) settled.push({ number, end });
        }
      }
      if (settled.length > 0) return settled;
      await context.sleep(pollMs);
      pollMs = Math.min(LONGEST_POLL_MS, pollMs * 1.5);
    }
  };
}

const DONE: StageEnd = { kind: 'done', jobsStarted: 0, elsewhere: true };

async function endOf(
  parts: ActivityParts,
  sweepId: string,
  stage: AwaitedStage,
  asks: boolean,
): Promise<StageEnd | undefined> {
  const folder = parts.store.stage(stage.key);
  if (await exists(join(folder.path, 'result.json'))) return DONE;
  if (!asks) return undefined;
  const status = await parts.workflows.statusOf(stage);
  if (status === 'running') return undefined;
  try {
    return await endOfOwner(parts, sweepId, folder, status);
  } catch (error) {
    if (!(error instanceof BadFile)) throw error;
    const damaged = { failure: 'data', rule: DAMAGED_FILE, sentence: error.message, attempt: 0 } as const;
    return { kind: 'parked', reason: parkedReason(damaged) };
  }
}

/** How a stage ended whose workflow does not run. */
async function endOfOwner(
  parts: ActivityParts,
  sweepId: string,
  folder: StageFolder,
  status: 'cancelled' | 'ended' | 'absent',
): Promise<StageEnd> {
  // It may have ended after the first look.
  const history = await folder.history();
  if (history.result !== undefined) return DONE;
  if (status === 'cancelled') return { kind: 'cancelled', elsewhere: true };
  if (history.open === undefined && history.evidence.length > 0) {
    const execution = await new SweepFolder(parts.store, sweepId).execution();
    const next = decideNext(parts, execution, await folder.spec(), history);
    if (next.kind === 'park') {
      return { kind: 'parked', reason: parkedReason(next) };
    }
  }
  return { kind: 'gone', why: status === 'absent' ? 'its workflow is not there' : 'it ended without a result' };
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
