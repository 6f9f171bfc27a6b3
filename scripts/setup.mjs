// All set-up: packages, native build, Temporal server. Plain JavaScript for Node 20 without dependencies; says what it does; seconds when nothing is missing.
// Usage: npm run setup [-- --yes]
import { pathToFileURL } from 'node:url';
import { ensureNativeBuild } from './setup/native-build.mjs';
import { ensureNodePackages } from './setup/node-packages.mjs';
import { ensureSystemPackages } from './setup/system-packages.mjs';
import { ensureTemporalServer } from './setup/temporal-server.mjs';
import { SetupProblem, say } from './setup/terminal.mjs';

const OLDEST_NODE = 20;

/** Makes everything present that the product needs, and with `tests` what its tests need beyond. Returns where the Temporal tool is. */
export async function setUp({ yes = false, tests = false } = {}) {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE)
    throw new SetupProblem(`expected Node ${OLDEST_NODE} or newer to start with, this is ${process.versions.node}`);
  if (process.platform !== 'linux')
    throw new SetupProblem(`expected Linux, this is ${process.platform}: the launcher reads /proc`);
  const answer = { yes: yes || process.env.CI === 'true' };
  // All system packages in one question, before anything that takes long.
  await ensureSystemPackages(
    ['compiler', 'make', 'cmake', 'openblas', 'json', ...(tests ? ['chromium', 'python'] : [])],
    answer,
  );
  await ensureNodePackages();
  await ensureNativeBuild({ ...answer, tests });
  return { temporalCli: await ensureTemporalServer(answer) };
}

/** Runs `main`, prints a SetupProblem as a sentence (exit code 2) and anything else as a failure of ours (exit code 1). */
export async function withSetupProblems(main) {
  try {
    await main();
  } catch (error) {
    if (error instanceof SetupProblem) {
      say(`\n✘ ${error.message}`);
      process.exitCode = 2;
    } else {
      say(`\n✘ the set-up itself failed: ${error?.stack ?? error}`);
      process.exitCode = 1;
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href)
  await withSetupProblems(async () => {
    await setUp({ yes: process.argv.includes('--yes'), tests: process.argv.includes('--tests') });
    say('Set-up is complete. Next: npx lethe --help');
  });
