// The worker's image without a builder: Node, the libraries that it loads, our sources, and the packages that they need, as nobody in particular.
// Usage: worker-image.mjs OUTPUT.tar [NAME:TAG]. Prints reference, image id, layer digest and size as JSON.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { root } from '../setup/places.mjs';
import { packImage } from './pack-image.mjs';

const HOME = '/lethe';
const BUNDLES = 'workflow-bundles';
const SOURCES = ['src', 'configs', 'package.json', 'package-lock.json', 'LICENSE'];
const MACHINE = { x64: 'x86_64', arm64: 'aarch64' }[process.arch];
/** Of no use to a running program: other platforms, maps, declarations. */
const LEFT_OUT = new RegExp(
  `\\.(?:map|d\\.[cm]?ts|md)$|/core-bridge/(?:releases/(?!${MACHINE}-unknown-linux)|sdk-core/)`,
);
/** Which certificates Temporal and the API server may be signed by. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

const [output, reference = 'localhost/lethe-worker:latest'] = process.argv.slice(2);
if (output === undefined) {
  console.error('✘ expected the archive to write: worker-image.mjs OUTPUT.tar [NAME:TAG]');
  process.exit(2);
}
const node = join(root, 'node_modules', 'node', 'bin', 'node');
const ours = SOURCES.flatMap((name) => filesIn(join(root, name)));
const theirs = packages().flatMap(filesIn);
const programs = [node, ...theirs.filter((file) => file.endsWith('.node'))];
const bundles = mkdtempSync(join(tmpdir(), 'lethe-bundle-'));
const bundle = execFileSync(node, [join(root, 'scripts', 'images', 'workflow-bundle.mjs'), bundles], {
  encoding: 'utf8',
});
const files = [
  [bundle.trim(), join(HOME, BUNDLES, basename(bundle.trim()))],
  ...[...ours, ...theirs].map((file) => [file, join(HOME, relative(root, file))]),
  ...libraries(programs).map((file) => [realpathSync(file), file]),
  ...[CERTIFICATES].filter(existsSync).map((file) => [realpathSync(file), file]),
];
const entrypoint = [
  join(HOME, 'node_modules', 'node', 'bin', 'node'),
  '--disable-warning=ExperimentalWarning',
  join(HOME, 'src', 'cli', 'main.ts'),
];
const environment = [`LETHE_WORKFLOW_BUNDLES=${join(HOME, BUNDLES)}`, ...revision()];
const image = packImage({ reference, entrypoint, files, output, environment });
rmSync(bundles, { recursive: true });
console.log(JSON.stringify({ ...image, bytes: statSync(output).size }));

/** Reports say which code made them; the image has no git to ask. */
function revision() {
  const asked = ['describe', '--always', '--abbrev=40', '--dirty', '--exclude=*'];
  const { status, stdout } = spawnSync('git', ['-C', root, ...asked], { encoding: 'utf8' });
  return status === 0 ? [`LETHE_REVISION=${stdout.trim()}`] : [];
}

/** Folders of the packages that are there without the development ones. */
function packages() {
  const listed = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: root, encoding: 'utf8' });
  const folders = listed.split('\n').filter((folder) => folder.startsWith(join(root, 'node_modules')));
  // A package that lies in another one comes with it.
  return folders.filter((folder) => !folders.some((other) => folder.startsWith(`${other}/`)));
}

function filesIn(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !LEFT_OUT.test(file));
}

/** The loader and the shared libraries of these programs, at the places where they are looked for; what a package brings itself is there already. */
function libraries(programs) {
  const found = new Set();
  for (const program of programs) {
    // A program for another machine has none here.
    const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
    for (const [, file] of stdout.matchAll(/(\/\S+) \(0x/g)) if (!file.startsWith(root)) found.add(file);
  }
  return [...found];
}
