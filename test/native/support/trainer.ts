import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BUILD = join(import.meta.dirname, '..', '..', '..', 'native', 'build');
export const TRAINER = join(BUILD, 'lethe-trainer');
export const LAUNCH = join(BUILD, 'lethe-launch');

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** Starts a program and gives it with its end; nothing of this process's environment but PATH is passed on. */
export function start(
  program: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): { child: ChildProcess; exit: Promise<Exit> } {
  const child = spawn(program, args, { env: { PATH: process.env.PATH ?? '', ...environment } });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const exit = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, output }));
  });
  return { child, exit };
}

export function trainer(
  stage: string,
  attempt: number,
  args: readonly string[] = [],
  environment: Record<string, string> = {},
) {
  return start(TRAINER, ['--stage', stage, '--attempt', String(attempt), ...args], environment);
}

/** Under a limit of the shell, such as `ulimit -v 100000`. */
export function limitedTrainer(limit: string, stage: string, attempt: number, args: readonly string[] = []) {
  const command = `${limit}; exec "$0" "$@"`;
  return start('/bin/sh', ['-c', command, TRAINER, '--stage', stage, '--attempt', String(attempt), ...args]);
}

/** A store of its own for one test, with the time of its removal left to the test. */
export function temporaryStore(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'lethe-native-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The only writer's folder of an attempt. */
export function writerOf(stage: string, attempt: number): string {
  const folder = join(stage, 'attempts', String(attempt));
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^\d+-\d+$/.test(name)) : [];
  if (names.length !== 1) throw new Error(`expected one writer in ${folder}, found ${names.length}`);
  return join(folder, names[0] ?? '');
}

export function readJson<T>(...parts: string[]): T {
  return JSON.parse(readFileSync(join(...parts), 'utf8')) as T;
}

export interface Outcome {
  readonly code: number;
  readonly sentence: string;
  readonly step: number;
  readonly stoppedBy?: string;
}

export function outcomeOf(stage: string, attempt: number): Outcome {
  return readJson<Outcome>(writerOf(stage, attempt), 'outcome.json');
}

export function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Digests of everything that a finished writer holds, by path in its folder. */
export function digestsOf(stage: string, attempt: number): Record<string, string> {
  const writer = writerOf(stage, attempt);
  const digests: Record<string, string> = {};
  for (const part of ['checkpoints', 'scores']) {
    for (const path of readdirSync(join(writer, part), { recursive: true, encoding: 'utf8' }).sort()) {
      if (/\.(safetensors|jsonl)$/.test(path)) digests[`${part}/${path}`] = sha256Of(join(writer, part, path));
    }
  }
  return digests;
}
