import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectFolder } from '../../src/cli/project-folder.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** Runs the real `bin/lethe` to its end. */
export function lethe(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  cwd = projectFolder,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const child = spawn(join(projectFolder, 'bin', 'lethe'), args, { cwd, env: { ...process.env, ...environment } });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr, ms: performance.now() - begin }));
  });
}
