// Compiler, CMake, OpenBLAS, JSON headers, and for tests a browser and Python: found on the machine, or by apt when root and asked.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { logs } from './places.mjs';
import { confirm, run, SetupProblem, say } from './terminal.mjs';

export function onPath(program) {
  const found = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

function compiles(include, flags = []) {
  return (
    spawnSync('c++', ['-x', 'c++', '-E', '-o', '/dev/null', ...flags, '-'], { input: `#include <${include}>\n` })
      .status === 0
  );
}

function openblas() {
  const triplet = spawnSync('c++', ['-print-multiarch'], { encoding: 'utf8' }).stdout?.trim();
  return compiles(`${triplet}/openblas-serial/cblas.h`) || compiles('cblas.h');
}

/** Each piece: how it is recognised, what Debian calls it. */
const pieces = {
  compiler: { is: () => onPath('c++') !== undefined, debian: 'g++', what: 'a C++20 compiler (c++)' },
  make: { is: () => onPath('make') !== undefined, debian: 'make', what: 'make' },
  cmake: { is: () => onPath('cmake') !== undefined, debian: 'cmake', what: 'CMake ≥ 3.20' },
  openblas: { is: openblas, debian: 'libopenblas-serial-dev', what: 'OpenBLAS with its static library' },
  json: { is: () => compiles('nlohmann/json.hpp'), debian: 'nlohmann-json3-dev', what: 'nlohmann-json headers' },
  go: {
    is: () => onPath('go') !== undefined,
    debian: 'golang-go',
    what: 'Go (1.19 is enough: it fetches a newer one)',
  },
  python: {
    is: () => onPath('python3') !== undefined,
    debian: 'python3',
    what: 'Python 3, which packs the wheels of tests',
  },
  chromium: { is: () => onPath('chromium') !== undefined, debian: 'chromium', what: 'Chromium, for the browser tests' },
};

/** Makes the named pieces present, or throws naming each missing one and how to get it. */
export async function ensureSystemPackages(names, { yes }) {
  const missing = names.filter((name) => !pieces[name].is());
  if (missing.length === 0) return;
  const debian = missing.map((name) => pieces[name].debian);
  const list = missing.map((name) => `  - ${pieces[name].what}   (Debian: ${pieces[name].debian})`).join('\n');
  say(`Missing on this machine:\n${list}`);
  const how = `As root: apt-get install ${debian.join(' ')}`;
  if (process.getuid?.() !== 0 || onPath('apt-get') === undefined)
    throw new SetupProblem(`missing: ${debian.join(' ')}\n  ${how}, then run the same command again.`);
  if (!(await confirm(`Install ${debian.join(' ')} with apt-get now?`, yes)))
    throw new SetupProblem(`missing: ${debian.join(' ')}\n  ${how}; or let the set-up do it: add \`-- --yes\`.`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const log = join(logs, 'apt.log');
  await run('apt-get update', 'apt-get', ['update'], { env, log });
  const args = ['install', '-y', '--no-install-recommends', ...debian];
  await run(`apt-get install ${debian.join(' ')}`, 'apt-get', args, { env, log });
  const still = missing.filter((name) => !pieces[name].is());
  if (still.length > 0)
    throw new SetupProblem(
      `apt-get ended well, but still missing: ${still.map((name) => pieces[name].what).join(', ')}. See ${log}.`,
    );
}
