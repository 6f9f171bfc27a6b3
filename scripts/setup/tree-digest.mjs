// sha256 over names and contents of files: tells whether something built from them is stale.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

function* walk(path, skip) {
  if (!existsSync(path)) return;
  if (statSync(path).isFile()) {
    yield path;
    return;
  }
  for (const name of readdirSync(path).sort()) if (!skip.includes(name)) yield* walk(join(path, name), skip);
}

export function treeDigest(root, paths, skip = []) {
  const hash = createHash('sha256');
  for (const path of paths)
    for (const file of walk(join(root, path), skip)) {
      hash.update(`${relative(root, file)}\0`);
      hash.update(readFileSync(file));
    }
  return hash.digest('hex');
}
