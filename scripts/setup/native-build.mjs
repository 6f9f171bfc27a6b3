// The native trainer: configured and built when its sources changed since the last build.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { logs, root } from './places.mjs';
import { ensureSystemPackages } from './system-packages.mjs';
import { run } from './terminal.mjs';
import { treeDigest } from './tree-digest.mjs';

export async function ensureNativeBuild({ yes, tests = false }) {
  const build = join(root, 'native', 'build');
  const stamp = join(build, '.lethe-built');
  const digest = treeDigest(root, ['native'], ['build']);
  const built = existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
  if (built === `${digest} tests` || (!tests && built === digest)) return;
  await ensureSystemPackages(['compiler', 'make', 'cmake', 'openblas', 'json'], { yes });
  const log = join(logs, 'native.log');
  const flags = ['-DCMAKE_BUILD_TYPE=Release', `-DLETHE_TESTS=${tests ? 'ON' : 'OFF'}`];
  await run('configure the native trainer', 'cmake', ['-S', join(root, 'native'), '-B', build, ...flags], { log });
  const jobs = String(Math.max(1, cpus().length));
  await run('build the native trainer', 'cmake', ['--build', build, '--parallel', jobs], { log });
  writeFileSync(stamp, tests ? `${digest} tests` : digest);
}
