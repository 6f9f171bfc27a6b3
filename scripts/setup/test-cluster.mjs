// What the test cluster runs on, in the user's cache: Kubernetes built from Go modules, containerd and its kin unpacked from Debian packages, our
// own small programs and images. Nothing is installed. Each has a folder named by the digest of what it is made from, so that a change
// of a small program does not cost another build of Kubernetes. Usage: test-cluster.mjs [--built-only] [--yes]; prints the folders as JSON.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packImage } from '../images/pack-image.mjs';
import { withSetupProblems } from '../setup.mjs';
import { cache, logs, root } from './places.mjs';
import { ensureSystemPackages } from './system-packages.mjs';
import { goThatBuilds } from './temporal-server.mjs';
import { run, SetupProblem } from './terminal.mjs';
import { treeDigest } from './tree-digest.mjs';

/** 1.35 refuses version 1 control groups by default. The release in kubernetes/go.mod. */
const KUBERNETES = '1.34.4';
const PACKAGES = ['containerd', 'runc', 'containernetworking-plugins', 'libseccomp2'];
const PROGRAMS = ['credentials', 'pause', 'port-bridge', 'workload'];
const IMAGES = ['pause', 'workload'];

const folder = join(cache, 'cluster');
const sources = join(root, 'test', 'cluster');
const log = join(logs, 'test-cluster.log');

/** The folders, each made when it lacks; with `builtOnly` a lack is a SetupProblem. */
export async function ensureTestCluster({ yes = false, builtOnly = false }) {
  const parts = {
    runtime: place('runtime', createHash('sha256').update(PACKAGES.join()).digest('hex')),
    programs: place('programs', treeDigest(root, ['test/cluster/programs', 'scripts/images/pack-image.mjs'])),
    kubernetes: place('kubernetes', treeDigest(sources, ['kubernetes'])),
  };
  const makers = { kubernetes: makeKubernetes, runtime: unpackRuntime, programs: makePrograms };
  for (const [part, target] of Object.entries(parts)) {
    if (existsSync(target)) continue;
    if (builtOnly)
      throw new SetupProblem(`the test cluster's ${part} is not in the cache: \`npm run cluster:up\` makes it`);
    // Made beside and renamed: what exists is whole, and two set-ups at once do no harm.
    const work = `${target}.work-${process.pid}`;
    try {
      mkdirSync(join(work, 'out'), { recursive: true });
      await makers[part](work, join(work, 'out'), { yes });
      if (!existsSync(target)) renameSync(join(work, 'out'), target);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return { ...parts, standing: join(folder, 'standing') };
}

function place(part, digest) {
  return join(folder, part, digest.slice(0, 12));
}

async function makeKubernetes(work, out, { yes }) {
  const version = 'k8s.io/component-base/version';
  const [major, minor] = KUBERNETES.split('.');
  const named = `-X ${version}.gitVersion=v${KUBERNETES} -X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`;
  const args = ['-ldflags', `-s -w ${named}`, '-o', join(out, 'kubernetes'), '.'];
  await build('Kubernetes (8 minutes on two idle cores, once)', work, join(sources, 'kubernetes'), args, { yes });
  symlinkSync('kubernetes', join(out, 'kubectl'));
}

async function makePrograms(work, out, { yes }) {
  const args = ['-ldflags', '-s -w', '-o', `${out}/`, ...PROGRAMS.map((name) => `./${name}`)];
  await build('programs of the test cluster', work, join(sources, 'programs'), args, { yes });
  mkdirSync(join(out, 'images'));
  for (const name of IMAGES)
    packImage({
      reference: `localhost/lethe-test/${name}:1`,
      entrypoint: `/${name}`,
      files: [[join(out, name), `/${name}`]],
      output: join(out, 'images', `${name}.tar`),
    });
}

/** Module and build caches of their own, gone afterwards: gigabytes that nobody needs once the binary is kept. */
async function build(title, work, source, args, { yes }) {
  await ensureSystemPackages(['go'], { yes });
  const env = {
    ...process.env,
    GOPATH: join(work, 'path'),
    GOMODCACHE: join(work, 'modules'),
    GOCACHE: join(work, 'cache'),
    GOFLAGS: '-modcacherw',
  };
  const go = await goThatBuilds(work, env, log);
  const all = ['build', '-mod=readonly', '-trimpath', ...args];
  await run(title, go.path, all, { cwd: source, env: { ...env, ...go.env, CGO_ENABLED: '0' }, log });
}

async function unpackRuntime(work, out) {
  if (spawnSync('apt-get', ['--version']).status !== 0)
    throw new SetupProblem('expected apt-get (Debian or a relative) to fetch containerd, runc and CNI plugins from');
  await run('containerd, runc and CNI plugins', 'apt-get', ['download', ...PACKAGES], { cwd: work, log });
  for (const name of readdirSync(work).filter((name) => name.endsWith('.deb')))
    await run(`unpack ${name}`, 'dpkg', ['-x', join(work, name), out], { log, quiet: true });
  for (const file of ['usr/bin/containerd', 'usr/sbin/runc', 'usr/lib/cni/bridge'])
    if (!existsSync(join(out, file)))
      throw new SetupProblem(`expected Debian's ${dirname(file)} to hold ${file}, it does not`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href)
  await withSetupProblems(async () => {
    const builtOnly = process.argv.includes('--built-only');
    const yes = process.argv.includes('--yes') || process.env.CI === 'true';
    console.log(JSON.stringify(await ensureTestCluster({ yes, builtOnly })));
  });
