// npm run cluster:up [-- --nodes 1|2] [--gpus N] [--fast] [--yes] · cluster:down · cluster:status: builds what lacks, then test/cluster/main.ts.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureNodePackages, node24 } from './setup/node-packages.mjs';
import { root } from './setup/places.mjs';
import { SetupProblem } from './setup/terminal.mjs';
import { ensureTestCluster } from './setup/test-cluster.mjs';
import { withSetupProblems } from './setup.mjs';

await withSetupProblems(async () => {
  const [verb, ...args] = process.argv.slice(2).filter((word) => word !== '--yes');
  const main = (...words) =>
    spawnSync(node24, [join(root, 'test', 'cluster', 'main.ts'), ...words], { stdio: 'inherit' });
  await ensureNodePackages();
  if (verb === 'up') {
    // Before a build of many minutes, for a machine on which no cluster could run.
    if (main('check').status !== 0) throw new SetupProblem('no cluster was started');
    await ensureTestCluster({ yes: process.argv.includes('--yes') || process.env.CI === 'true' });
  }
  process.exitCode = main(verb ?? '', ...args).status ?? 1;
});
