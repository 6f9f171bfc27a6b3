// npm ci, when package-lock.json changed since the last one. Node 24 comes with it as npm's `node` package.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logs, root } from './places.mjs';
import { run, SetupProblem } from './terminal.mjs';
import { treeDigest } from './tree-digest.mjs';

export const node24 = join(root, 'node_modules', 'node', 'bin', 'node');

export async function ensureNodePackages() {
  const stamp = join(root, 'node_modules', '.lethe-installed');
  const digest = treeDigest(root, ['package.json', 'package-lock.json']);
  if (existsSync(stamp) && existsSync(node24) && readFileSync(stamp, 'utf8') === digest) return;
  await run('npm packages', 'npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, log: join(logs, 'npm.log') });
  if (!existsSync(node24))
    throw new SetupProblem(
      `expected npm's \`node\` package to have put Node 24 at ${node24}, but it is not there: its install script did not run. Allow install scripts (npm config get ignore-scripts) and run \`npm ci\` again.`,
    );
  writeFileSync(stamp, digest);
}
