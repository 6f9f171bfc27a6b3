import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BadInput } from './exit-codes.ts';

/** The folder that this program lives in: its sources, `configs/`, `native/build/`, and the default store. */
export const projectFolder: string = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Where a command's store is: `--store`, then `$LETHE_STORE`, then `.lethe` in the project folder. */
export function storeFolder(asked: string | undefined, environment: NodeJS.ProcessEnv = process.env): string {
  const chosen = asked ?? (environment.LETHE_STORE || join(projectFolder, '.lethe'));
  if (chosen.startsWith('pvc:'))
    throw new BadInput(
      `expected a store in a folder, got ${chosen}: this command reads files that stay in the cluster. It works in the worker's pod (docs/operations.md)`,
    );
  return resolve(chosen.replace(/^~(?=\/|$)/, homedir()));
}

/** The native trainer, built by set-up. */
export const trainerBinary: string = join(projectFolder, 'native', 'build', 'lethe-trainer');

/** The program that publishes a local job and becomes it. */
export const launchBinary: string = join(projectFolder, 'native', 'build', 'lethe-launch');

/** A path as a person would type it from the current folder. */
export function shownPath(path: string): string {
  const here = process.cwd();
  return path.startsWith(`${here}/`) ? path.slice(here.length + 1) : path;
}
