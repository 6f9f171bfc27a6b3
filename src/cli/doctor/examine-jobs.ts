import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptFolder } from '../../artifacts/attempt-folder.ts';
import { isLocal, type LaunchedLocally } from '../../artifacts/launched.ts';
import type { Store } from '../../artifacts/store.ts';
import type { StageKind } from '../../experiment/stage-spec.ts';
import { stageWorkflowId } from '../../experiment/workflow-ids.ts';
import { isAlive } from '../../temporal/process-identity.ts';
import { describeStages } from '../../temporal/stage-rows.ts';
import { connectIfUp } from '../session.ts';
import { openAttempts } from '../stop-everything.ts';
import type { Finding } from './examinations.ts';

/**
 * Jobs that nobody watches: their folder is gone (the store was moved or removed under them), their attempt is over, or their workflow is closed. A job of an open
 * workflow is in good hands even while the worker is down.
 */
export async function* examineJobs(store: Store): AsyncGenerator<Finding> {
  const alive: { attempt: AttemptFolder; launched: LaunchedLocally }[] = [];
  for (const attempt of await openAttempts(store)) {
    const launched = await attempt.launched();
    if (launched !== undefined && isLocal(launched) && isAlive(launched)) alive.push({ attempt, launched });
  }
  const unwatched = new Set(
    await closedWorkflows(
      store,
      alive.map(({ attempt }) => attempt),
    ),
  );
  for (const { attempt, launched } of alive) {
    if (!unwatched.has(attempt)) continue;
    yield {
      what: 'job',
      level: 'bad',
      found: `${attempt.jobName} (pid ${launched.pid}) runs, but its workflow is closed`,
      fix: '"lethe resume SWEEP" adopts it; "lethe stop" ends it with a checkpoint',
    };
  }
  const known = new Set(alive.map(({ launched }) => launched.pid));
  let strays = 0;
  for await (const { pid, stage } of trainersOfThisUser()) {
    if (known.has(pid)) continue;
    const ours = stage.startsWith(`${store.stagesPath}/`);
    const there = await access(stage).then(
      () => true,
      () => false,
    );
    if (there && !ours) continue; // Of another store, which has its own doctor.
    strays += 1;
    yield {
      what: 'job',
      level: 'bad',
      found: there
        ? `pid ${pid} trains ${stage}, whose attempt is over`
        : `pid ${pid} trains in ${stage}, which is gone`,
      fix: `kill -TERM ${pid} (it writes a checkpoint where it still can)`,
    };
  }
  if (strays === 0 && unwatched.size === 0) {
    yield {
      what: 'jobs',
      level: 'good',
      found: alive.length === 0 ? 'none runs on this machine' : `${alive.length} run, each watched by its workflow`,
    };
  }
}

async function closedWorkflows(store: Store, attempts: readonly AttemptFolder[]): Promise<AttemptFolder[]> {
  if (attempts.length === 0) return [];
  const connection = await connectIfUp(store);
  if (connection === undefined) return [];
  try {
    const ids = new Map<string, AttemptFolder>();
    for (const attempt of attempts) {
      const kind: StageKind = (await attempt.stage.spec()).kind;
      ids.set(stageWorkflowId(store.id, { kind, key: attempt.stage.key }), attempt);
    }
    const running = new Set(
      (await describeStages(connection, [...ids.keys()]))
        .filter((row) => row.status === 'running')
        .map((row) => row.workflowId),
    );
    return [...ids].filter(([id]) => !running.has(id)).map(([, attempt]) => attempt);
  } finally {
    await connection.close();
  }
}

/** Trainer processes by their command lines: `lethe-trainer --stage DIR …`. */
async function* trainersOfThisUser(): AsyncGenerator<{ pid: number; stage: string }> {
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    let words: string[];
    try {
      words = (await readFile(join('/proc', name, 'cmdline'), 'utf8')).split('\0');
    } catch {
      continue; // It has ended.
    }
    const stage = words[words.indexOf('--stage') + 1];
    if (words[0]?.endsWith('/lethe-trainer') && words.includes('--stage') && stage !== undefined) yield { pid, stage };
  }
}
