import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobSpec } from '../../artifacts/job-spec.ts';
import { type LaunchedLocally, localWriter } from '../../artifacts/launched.ts';
import type { PlatformEvidence } from '../job-launcher.ts';
import type { ChildExit } from './child-job.ts';
import { type Machine, SYSTEM_COUNTERS } from './machine.ts';

/**
 * What this machine knows of a job that is gone. Its exit is known only to the worker that started it; a kill for memory is told by the kernel's counter: it
 * rose since the job's start, the job left no word, and the SIGKILL was not ours (we never kill without stop.json).
 */
export function localEvidence(
  spec: JobSpec,
  launched: LaunchedLocally | undefined,
  exit: ChildExit | undefined,
  machine: Machine,
): PlatformEvidence {
  const events: string[] = [];
  if (exit?.spawnError !== undefined) events.push(`could not be started: ${exit.spawnError}`);
  else if (launched === undefined) events.push('ended before it recorded itself in launched.json; log.txt may say why');
  const preempted = launched !== undefined && launched.bootId !== machine.bootId;
  if (preempted) events.push(`the machine was started again: boot ${launched.bootId} is now ${machine.bootId}`);
  let outOfMemory = false;
  if (launched !== undefined && !preempted) {
    const source = launched.oomSource ?? SYSTEM_COUNTERS;
    const kills = machine.oomKills(source);
    const rose = kills !== undefined && kills > launched.oomKills;
    if (rose) events.push(`kills for memory in ${source} rose from ${launched.oomKills} to ${kills}`);
    const mayBeKilled = exit === undefined || exit.signal === 'SIGKILL';
    outOfMemory =
      rose && mayBeKilled && !hasLastWord(spec, launched) && !existsSync(join(spec.attemptFolder, 'stop.json'));
  }
  return {
    ...(exit?.exitCode === undefined ? {} : { exitCode: exit.exitCode }),
    ...(exit?.signal === undefined ? {} : { signal: exit.signal }),
    outOfMemory,
    preempted,
    events,
  };
}

/** outcome.json with content: its block may be reserved and still empty. */
export function hasLastWord(spec: JobSpec, launched: LaunchedLocally): boolean {
  try {
    const text = readFileSync(join(spec.attemptFolder, localWriter(launched), 'outcome.json'), 'utf8');
    return text.trimStart().startsWith('{');
  } catch {
    return false;
  }
}
