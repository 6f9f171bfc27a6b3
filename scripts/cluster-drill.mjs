// npm run cluster:drill [-- --only ROW,…] [--parallel N] [--outage-seconds N] [--json] · npm run drill:full [-- --times 20] [--out FILE]: builds what lacks, then test/cluster/drill/main.ts in a mount namespace of its own, which ends with it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureNodePackages, node24 } from './setup/node-packages.mjs';
import { root } from './setup/places.mjs';
import { SetupProblem } from './setup/terminal.mjs';
import { ensureTestCluster } from './setup/test-cluster.mjs';
import { setUp, withSetupProblems } from './setup.mjs';

await withSetupProblems(async () => {
  const args = process.argv.slice(2).filter((word) => word !== '--yes');
  const yes = process.argv.includes('--yes') || process.env.CI === 'true';
  await ensureNodePackages();
  // Before builds of many minutes, for a machine on which no cluster could run.
  if (spawnSync(node24, [join(root, 'test', 'cluster', 'main.ts'), 'check'], { stdio: 'inherit' }).status !== 0)
    throw new SetupProblem('no drill was run');
  const { temporalCli } = await setUp({ yes });
  await ensureTestCluster({ yes });
  const main = [node24, '--disable-warning=ExperimentalWarning', join(root, 'test', 'cluster', 'drill', 'main.ts')];
  const ended = spawnSync('unshare', ['--mount', '--propagation', 'private', ...main, ...args], {
    stdio: 'inherit',
    env: { ...process.env, LETHE_TEMPORAL_CLI: temporalCli },
  });
  process.exitCode = ended.status ?? 1;
});
