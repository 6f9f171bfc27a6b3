import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectFolder } from '../../src/cli/project-folder.ts';

/** A command in the foreground of a terminal of its own: a process group that Ctrl-C reaches as a whole. */
export class Terminal {
  readonly words: readonly string[];
  stdout = '';
  stderr = '';
  /** Resolves with the exit code, null when it was killed. */
  readonly ended: Promise<number | null>;
  isOver = false;
  code: number | null | undefined;
  readonly #child: ChildProcess;

  constructor(words: readonly string[], environment: NodeJS.ProcessEnv) {
    this.words = words;
    this.#child = spawn(join(projectFolder, 'bin', 'lethe'), words, {
      env: { ...process.env, ...environment },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (data) => {
      this.stdout += data;
    });
    this.#child.stderr?.on('data', (data) => {
      this.stderr += data;
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code) => {
        this.isOver = true;
        this.code = code;
        resolve(code);
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** SIGINT is Ctrl-C, SIGKILL a terminal that is gone with everything in it. */
  signal(signal: 'SIGINT' | 'SIGKILL'): void {
    const { pid } = this.#child;
    if (pid === undefined || this.isOver) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
