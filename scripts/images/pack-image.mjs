// A container image without a builder: files as one layer in an archive that `docker load`, `ctr images import` and registries' tools read.
// The same files give the same bytes. Usage: pack-image.mjs --reference NAME:TAG --output FILE.tar [--user UID:GID] --entrypoint /path SOURCE=/path...
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };
/** Nobody in particular: what distroless images call `nonroot`. */
const NON_ROOT = '65532:65532';

/**
 * Packs `files` ([source, path in the image]) and an empty /tmp into `output`, for this machine's architecture. `entrypoint`: the program, or a list of it and its first arguments.
 * Returns the image id and its layer's digest. Throws when a source is missing or tar fails.
 */
export function packImage({ reference, entrypoint, files, output, user = NON_ROOT, environment = [] }) {
  const work = mkdtempSync(`${output}.work-`);
  try {
    const root = join(work, 'root');
    mkdirSync(join(root, 'tmp'), { recursive: true });
    for (const [source, path] of files) {
      const target = join(root, path);
      mkdirSync(dirname(target), { recursive: true });
      copyFileSync(source, target);
      chmodSync(target, statSync(source).mode & 0o111 ? 0o755 : 0o644);
    }
    chmodSync(join(root, 'tmp'), 0o1777);
    const archive = join(work, 'archive');
    mkdirSync(archive);
    tar(join(archive, 'layer.tar'), root);
    const layer = digest(readFileSync(join(archive, 'layer.tar')));
    const config = JSON.stringify({
      architecture: ARCHITECTURES[process.arch],
      os: 'linux',
      config: { Entrypoint: [entrypoint].flat(), User: user, Env: ['PATH=/usr/bin:/bin', ...environment] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
    });
    const id = digest(config);
    writeFileSync(join(archive, `${id}.json`), config);
    const manifest = [{ Config: `${id}.json`, RepoTags: [reference], Layers: ['layer.tar'] }];
    writeFileSync(join(archive, 'manifest.json'), JSON.stringify(manifest));
    tar(join(work, 'image.tar'), archive);
    renameSync(join(work, 'image.tar'), output);
    return { reference, id: `sha256:${id}`, layer: `sha256:${layer}` };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Order, owners and times fixed, so that they are not part of the digest. */
function tar(file, folder) {
  const fixed = [
    '--format=gnu',
    '--sort=name',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mtime=@0',
    '--mode=u+rwX,go+rX',
  ];
  const { status, stderr, error } = spawnSync('tar', ['-cf', file, ...fixed, '-C', folder, '.'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`expected tar to pack ${folder}: ${error?.message ?? stderr}`);
}

function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      reference: { type: 'string' },
      output: { type: 'string' },
      entrypoint: { type: 'string' },
      user: { type: 'string' },
    },
  });
  const files = positionals.map((pair) => pair.split('='));
  if (!values.reference || !values.output || !values.entrypoint || files.some(([, path]) => !path?.startsWith('/'))) {
    console.error('✘ expected --reference NAME:TAG --output FILE.tar --entrypoint /path SOURCE=/path...');
    process.exit(2);
  }
  console.log(JSON.stringify(packImage({ ...values, files })));
}
