import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { JobSpec } from '../../artifacts/job-spec.ts';
import { Latch } from '../latch.ts';
import { jobEnvironment } from './job-environment.ts';
import type { Machine } from './machine.ts';

export interface ChildExit {
  readonly exitCode?: number;
  readonly signal?: string;
  /** The launch program could not be started at all. */
  readonly spawnError?: string;
}

/** A job that this worker started: only its parent hears of its end at once, and with its exit code. */
export interface ChildJob {
  readonly pid: number | undefined;
  readonly startTime: number | undefined;
  readonly ended: Latch<ChildExit>;
}

/**
 * Starts the job in a session and process group of its own, so that neither Ctrl-C in the worker's terminal nor the worker's end reaches it, and so that a
 * signal to the group reaches all of it. No AbortSignal is ever given to spawn: it would kill the job with its watcher.
 */
export function startChild(spec: JobSpec, launchBinary: readonly string[], machine: Machine): ChildJob {
  const [program = 'lethe-launch', ...first] = launchBinary;
  const ended = new Latch<ChildExit>();
  const log = openSync(join(spec.attemptFolder, 'log.txt'), 'a');
  let child: ChildProcess;
  try {
    child = spawn(program, [...first, '--attempt-dir', spec.attemptFolder, '--', ...spec.command], {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: spec.attemptFolder,
      env: jobEnvironment(process.env, spec.environment),
    });
  } finally {
    closeSync(log);
  }
  child.once('error', (error) => ended.open({ spawnError: `${program}: ${error.message}` }));
  child.once('exit', (code, signal) =>
    ended.open({ ...(code === null ? {} : { exitCode: code }), ...(signal === null ? {} : { signal }) }),
  );
  child.unref();
  return { pid: child.pid, startTime: child.pid === undefined ? undefined : machine.startTime(child.pid), ended };
}
