import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Provenance } from '../report/report-input.ts';
import { projectFolder } from './project-folder.ts';

const run = promisify(execFile);

/** Which Lethe this is: its version, the revision of the checkout and whether it was changed since (absent outside of one). */
export async function codeVersion(): Promise<Pick<Provenance, 'code' | 'versions'>> {
  const { version } = JSON.parse(await readFile(join(projectFolder, 'package.json'), 'utf8')) as { version: string };
  const versions = { lethe: version, node: process.versions.node };
  try {
    const git = async (...args: string[]) => (await run('git', ['-C', projectFolder, ...args])).stdout.trim();
    const [revision, changes] = await Promise.all([
      git('rev-parse', 'HEAD'),
      git('status', '--porcelain', '--untracked-files=no'),
    ]);
    return { code: { version, revision, dirty: changes !== '' }, versions };
  } catch {
    return { code: { version }, versions };
  }
}
