import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Provenance } from '../report/report-input.ts';
import { projectFolder } from './project-folder.ts';

const run = promisify(execFile);

/** What a worker's image was built of: `git describe --always --abbrev=40 --dirty --exclude=*`. */
const BUILT_OF = /^([0-9a-f]{40})(-dirty)?$/;

/**
 * Which Lethe this is: its version, the revision of the checkout and whether it was changed since. An image has no checkout and says in $LETHE_REVISION of which
 * it was built; outside of both revision and `dirty` are absent.
 */
export async function codeVersion(
  folder = projectFolder,
  built = process.env.LETHE_REVISION ?? '',
): Promise<Pick<Provenance, 'code' | 'versions'>> {
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  const versions = { lethe: version, node: process.versions.node };
  try {
    const git = async (...args: string[]) => (await run('git', ['-C', folder, ...args])).stdout.trim();
    const [revision, changes] = await Promise.all([
      git('rev-parse', 'HEAD'),
      git('status', '--porcelain', '--untracked-files=no'),
    ]);
    return { code: { version, revision, dirty: changes !== '' }, versions };
  } catch {
    const [, revision, changed] = BUILT_OF.exec(built) ?? [];
    return {
      code: { version, ...(revision !== undefined && { revision, dirty: changed !== undefined }) },
      versions,
    };
  }
}
