// A Temporal development server with UI: TEMPORAL_CLI or PATH → our cache → the SDK's own download → built from Go modules.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { node24 } from './node-packages.mjs';
import { cache, logs, root } from './places.mjs';
import { ensureSystemPackages, onPath } from './system-packages.mjs';
import { run, SetupProblem, say } from './terminal.mjs';

/** Version built from tools/temporal-server; newer command-line tools are taken as they come. */
const VERSION = '1.5.1';
/** Go that builds it when the machine's own is too old: fetched as the module golang.org/toolchain. */
const GO_TOOLCHAIN = 'v0.0.1-go1.26.4';

const cached = join(cache, 'temporal', VERSION, 'temporal');

function works(path) {
  return spawnSync(path, ['--version'], { encoding: 'utf8' }).status === 0;
}

export async function ensureTemporalServer({ yes }) {
  const given = process.env.TEMPORAL_CLI;
  if (given !== undefined) {
    if (works(given)) return given;
    throw new SetupProblem(
      `TEMPORAL_CLI is ${given}, but \`${given} --version\` did not succeed: correct or unset it.`,
    );
  }
  const own = onPath('temporal');
  if (own !== undefined && works(own)) return own;
  if (existsSync(cached)) return cached;
  if (await download()) return cached;
  await build({ yes });
  return cached;
}

/** The Temporal SDK can fetch the tool on machines that reach its download site. */
async function download() {
  const folder = join(cache, 'temporal', `download-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const args = [join(root, 'scripts', 'setup', 'download-temporal.mjs'), folder];
  const title = 'Temporal server: download';
  try {
    await run(title, node24, args, { cwd: root, log: join(logs, 'temporal-download.log'), quiet: true });
    const file = readdirSync(folder).find((name) => name.startsWith('temporal'));
    if (file === undefined) return false;
    mkdirSync(dirname(cached), { recursive: true });
    renameSync(join(folder, file), cached);
    say(`✔ ${title}`);
    return true;
  } catch (error) {
    if (!(error instanceof SetupProblem)) throw error;
    say('· Temporal server: no download from here, building it from Go modules (4 to 8 minutes, once)');
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function build({ yes }) {
  await ensureSystemPackages(['go'], { yes });
  const log = join(logs, 'temporal-build.log');
  const work = join(cache, 'temporal', `build-${process.pid}`);
  mkdirSync(work, { recursive: true });
  // Module and build caches of their own: 3.8 GB that nobody needs once the binary is kept.
  const env = {
    ...process.env,
    GOPATH: join(work, 'path'),
    GOMODCACHE: join(work, 'modules'),
    GOCACHE: join(work, 'cache'),
    GOFLAGS: '-modcacherw',
  };
  const source = join(root, 'tools', 'temporal-server');
  try {
    const go = await goThatBuilds(work, env, log);
    const target = join(work, 'temporal');
    const args = [
      'build',
      '-mod=readonly',
      '-trimpath',
      '-ldflags',
      '-s -w',
      '-o',
      target,
      'github.com/temporalio/cli/cmd/temporal',
    ];
    await run('Temporal server: build', go.path, args, {
      cwd: source,
      env: { ...env, ...go.env, CGO_ENABLED: '0' },
      log,
    });
    mkdirSync(dirname(cached), { recursive: true });
    renameSync(target, cached);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Go ≥ 1.21 switches to what go.mod asks for by itself; an older one fetches a newer toolchain as a module. */
export async function goThatBuilds(work, env, log) {
  const own = onPath('go');
  const text = spawnSync(own, ['version'], { encoding: 'utf8' }).stdout ?? '';
  const minor = Number(/go1\.(\d+)/.exec(text)?.[1] ?? 0);
  if (minor >= 21) return { path: own, env: {} };
  const platform = `linux-${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;
  const module = `golang.org/toolchain@${GO_TOOLCHAIN}.${platform}`;
  const newer = { ...env, GOFLAGS: '-modcacherw', GO111MODULE: 'on' };
  await run(`Go ${GO_TOOLCHAIN.slice(9)}`, own, ['mod', 'download', '-json', module], { cwd: work, env: newer, log });
  const home = join(work, 'modules', 'golang.org', `toolchain@${GO_TOOLCHAIN}.${platform}`);
  for (const folder of ['bin', join('pkg', 'tool', platform.replace('-', '_'))])
    for (const name of readdirSync(join(home, folder))) chmodSync(join(home, folder, name), 0o755);
  return { path: join(home, 'bin', 'go'), env: { GOROOT: home, GOTOOLCHAIN: 'local' } };
}
