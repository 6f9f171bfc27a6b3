// npm leaves a platform's optional package out of package-lock.json when the registry at hand lacks it, and then `npm ci` refuses the lockfile everywhere.
// This adds the missing entries, without digests. Run after every `npm install`: node scripts/complete-lockfile.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup/places.mjs';

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const CPUS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

/** What a platform package says of itself, read from its name: `…-linux-x64-musl`. */
function platform(name) {
  const words = name.replace('mingw32', 'win32').split(/[-/]/);
  const system = SYSTEMS.find((candidate) => words.includes(candidate));
  const cpu = CPUS.find((candidate) => words.some((word) => word === candidate || word.startsWith(`${candidate}v`)));
  const musl = words.some((word) => word.startsWith('musl'));
  const gnu = words.some((word) => word.startsWith('gnu'));
  return {
    ...(system === undefined ? {} : { os: [system] }),
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(musl ? { libc: ['musl'] } : gnu ? { libc: ['glibc'] } : {}),
  };
}

const file = join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = [];
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    if (Object.keys(lock.packages).some((key) => key === place || key.endsWith(`/${place}`))) continue;
    const where = platform(name);
    if (where.os === undefined && where.cpu === undefined) continue;
    const dev = entry.dev === true ? { dev: true } : {};
    lock.packages[place] = { version: version.replace(/^[~^]/, ''), ...dev, optional: true, ...where };
    added.push(name);
  }
}
const [first, ...others] = Object.keys(lock.packages);
lock.packages = Object.fromEntries([first, ...others.sort()].map((key) => [key, lock.packages[key]]));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added.length} entries added${added.length > 0 ? `: ${added.join(', ')}` : ''}\n`);
