// Set-up, then every suite this machine can run; failures and counts come last. Usage: npm test [-- --yes] [-- --only NAME[,NAME]] [-- --cluster]
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { node24 } from './setup/node-packages.mjs';
import { root } from './setup/places.mjs';
import { onPath } from './setup/system-packages.mjs';
import { SetupProblem, say } from './setup/terminal.mjs';
import { ensureTestCluster } from './setup/test-cluster.mjs';
import { setUp, withSetupProblems } from './setup.mjs';

const bin = join(root, 'node_modules', '.bin');
const MESSAGE_LINES = 12;
const results = mkdtempSync(join(tmpdir(), 'lethe-test-'));

/** Runs a command to its end with our Node first on the PATH; resolves to its exit code and what it printed. */
function execute(command, args, env = {}) {
  return new Promise((resolve) => {
    const path = `${bin}${delimiter}${process.env.PATH}`;
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, PATH: path, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      process.stdout.write(chunk);
    });
    child.on('error', (error) => resolve({ code: 1, output: `${output}${error.message}` }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** A check that passes or fails as a whole. */
async function check(command, args) {
  const { code } = await execute(command, args);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

async function ctest() {
  const args = ['--test-dir', join(root, 'native', 'build'), '--output-on-failure', '--no-tests=error'];
  const { code, output } = await execute('ctest', args);
  const [, failed = '0', all = '0'] = /(\d+) tests? failed out of (\d+)/.exec(output) ?? [];
  if (code !== 0 && failed === '0') return { passed: 0, failed: 1, skipped: 0 };
  return { passed: Number(all) - Number(failed), failed: Number(failed), skipped: 0 };
}

/** The failed tests of vitest's JSON report, each with its file and the head of its message: the log above them is thousands of lines. */
function failuresIn(report) {
  return report.testResults.flatMap(({ name, message, assertionResults }) => {
    const file = relative(root, name);
    const tests = assertionResults.filter(({ status }) => status === 'failed');
    if (tests.length === 0) return message ? [`${file}\n${head(message)}`] : [];
    return tests.map(({ fullName, failureMessages }) => `${file} > ${fullName}\n${head(failureMessages.join('\n'))}`);
  });
}

function head(message) {
  const lines = message.split('\n').filter((line) => line.trim() !== '');
  return lines
    .slice(0, MESSAGE_LINES)
    .map((line) => `    ${line}`)
    .join('\n');
}

async function vitest(project, env) {
  const file = join(results, `${project}.json`);
  const args = ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const { code } = await execute('vitest', args, env);
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    const failed = report.numFailedTests + (code !== 0 && report.numFailedTests === 0 ? 1 : 0);
    const skipped = report.numPendingTests + report.numTodoTests;
    return { passed: report.numPassedTests, failed, skipped, failures: failuresIn(report) };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** A suite that this run leaves out, by name and reason: a failure in CI. */
function leftOut(why) {
  return { passed: 0, failed: 0, skipped: 1, why };
}

/** The suite on a real Kubernetes (docs/test-cluster.md): in CI, elsewhere when it is asked for, because building its parts takes longer than all else together. */
async function cluster(env, { asked, yes }) {
  if (!asked) return leftOut('asked for by --cluster');
  if ((await execute(node24, [join(root, 'test', 'cluster', 'main.ts'), 'check'])).code !== 0)
    return leftOut('no test cluster can run on this machine');
  await ensureTestCluster({ yes });
  return vitest('cluster', env);
}

await withSetupProblems(async () => {
  const only = process.argv[process.argv.indexOf('--only') + 1]?.split(',');
  const ci = process.env.CI === 'true';
  const { temporalCli } = await setUp({ yes: process.argv.includes('--yes'), tests: true });
  const env = { LETHE_TEMPORAL_CLI: temporalCli, LETHE_STATE: join(results, 'state') };
  const suites = {
    lint: () => check('biome', ['ci', '.']),
    fences: () => check('depcruise', ['--config', '.dependency-cruiser.json', 'src']),
    types: () => check('tsc', ['--noEmit']),
    kernels: ctest,
    unit: () => vitest('unit', env),
    native: () => vitest('native', env),
    server: () => vitest('server', env),
    browser: () => (onPath('chromium') ? vitest('browser', env) : leftOut('Chromium is not installed')),
    cluster: () =>
      cluster(env, { asked: process.argv.includes('--cluster') || ci, yes: process.argv.includes('--yes') || ci }),
  };
  const total = { passed: 0, failed: 0, skipped: 0 };
  const lines = [];
  const failures = [];
  const unknown = only?.find((name) => !(name in suites));
  if (process.argv.includes('--only') && (only === undefined || unknown !== undefined))
    throw new SetupProblem(`--only takes suites out of ${Object.keys(suites).join(', ')}; got ${unknown ?? 'nothing'}`);
  for (const [name, suite] of Object.entries(suites)) {
    if (process.argv.includes('--only') && !only.includes(name)) continue;
    const started = Date.now();
    console.log(`\n── ${name}`);
    const outcome = await suite();
    if (ci) outcome.failed += outcome.skipped;
    const seconds = ((Date.now() - started) / 1000).toFixed(0);
    const skipped = outcome.skipped > 0 ? `, ${outcome.skipped} SKIPPED${outcome.why ? ` (${outcome.why})` : ''}` : '';
    lines.push(
      `${outcome.failed > 0 ? '✘' : '✔'} ${name}: ${outcome.passed} passed, ${outcome.failed} failed${skipped} (${seconds} s)`,
    );
    failures.push(...(outcome.failures ?? []));
    for (const field of ['passed', 'failed', 'skipped']) total[field] += outcome[field];
  }
  rmSync(results, { recursive: true, force: true });
  for (const failure of failures) say(`\n✘ ${failure}`);
  say(`\n${lines.join('\n')}`);
  console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
  if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
});
