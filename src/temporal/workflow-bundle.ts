import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type Logger } from '@temporalio/worker';

const source = fileURLToPath(new URL('..', import.meta.url));
const root = join(source, '..');

/** What the workflows' code is made of: their folder and all that they may import. */
const FOLDERS = ['workflows', 'experiment', 'recovery'];

/**
 * The workflows as one bundle for the worker's sandbox. Building it takes seconds, so it is kept in the user's cache folder under a hash of its sources and of
 * the locked dependencies; a worker that finds it starts at once. An image brings it along ($LETHE_WORKFLOW_BUNDLES).
 */
export async function workflowBundle(
  logger: Logger,
  cacheFolder = process.env.LETHE_WORKFLOW_BUNDLES ||
    join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lethe', 'workflow-bundles'),
): Promise<{ readonly codePath: string }> {
  const codePath = join(cacheFolder, `${(await sourcesDigest()).slice(0, 32)}.js`);
  try {
    await readFile(codePath, { flag: 'r' });
    return { codePath };
  } catch {
    const { code } = await bundleWorkflowCode({ workflowsPath: join(source, 'workflows', 'index.ts'), logger });
    await mkdir(cacheFolder, { recursive: true });
    const temporary = `${codePath}.${process.pid}`;
    await writeFile(temporary, code, { flush: true });
    await rename(temporary, codePath);
    return { codePath };
  }
}

async function sourcesDigest(): Promise<string> {
  const hash = createHash('sha256');
  const files = [join(root, 'package-lock.json')];
  for (const folder of FOLDERS) {
    const entries = await readdir(join(source, folder), { recursive: true, withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
    files.push(...names.map((entry) => join(entry.parentPath, entry.name)));
  }
  for (const file of files.sort())
    hash
      .update(relative(root, file))
      .update('\0')
      .update(await readFile(file))
      .update('\0');
  return hash.digest('hex');
}
