import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { startTimeOf } from './machine.ts';
import type { NurseryRequest, NurseryWord } from './nursery.ts';

/**
 * The small process that starts the jobs of one worker and waits for them (see nursery.ts). It ends with its worker; the jobs run on.
 * No AbortSignal is ever given to spawn: it would kill a job with its watcher.
 */
function start({ id, program, args, cwd, log, environment }: NurseryRequest): void {
  // A worker that has just died hears nothing; `disconnect` follows.
  const say = (word: NurseryWord) => void process.send?.(word, undefined, undefined, () => undefined);
  try {
    const output = openSync(log, 'a');
    // A session and process group of its own: Ctrl-C in the worker's terminal does not reach it, and a signal to the group reaches all of it.
    const child = spawn(program, args, { detached: true, stdio: ['ignore', output, output], cwd, env: environment });
    closeSync(output);
    child.once('error', (error) => say({ id, exit: { spawnError: `${program}: ${error.message}` } }));
    child.once('exit', (code, signal) =>
      say({ id, exit: { ...(code === null ? {} : { exitCode: code }), ...(signal === null ? {} : { signal }) } }),
    );
    if (child.pid === undefined) return;
    const startTime = startTimeOf(child.pid);
    say({ id, started: { pid: child.pid, ...(startTime === undefined ? {} : { startTime }) } });
  } catch (error) {
    say({ id, exit: { spawnError: `${program}: ${error instanceof Error ? error.message : error}` } });
  }
}

process.on('message', (request) => start(request as NurseryRequest));
process.on('disconnect', () => process.exit(0));
