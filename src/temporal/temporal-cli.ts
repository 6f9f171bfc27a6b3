import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Thrown when no Temporal CLI is on this machine. */
export class TemporalCliMissing extends Error {
  override readonly name = 'TemporalCliMissing';
  constructor(looked: readonly string[]) {
    super(
      `expected the Temporal CLI (it holds the server and its UI) at one of: ${looked.join(', ')}; found none. Run "npm run setup", or set TEMPORAL_CLI to a binary of version 1.5 or newer.`,
    );
  }
}

/** The Temporal CLI: `$TEMPORAL_CLI`, then PATH, then what set-up put into the user's cache folder (newest version first). */
export function findTemporalCli(environment: NodeJS.ProcessEnv = process.env): string {
  const asked = environment.TEMPORAL_CLI;
  if (asked !== undefined && asked !== '') {
    if (isExecutable(asked)) return asked;
    throw new TemporalCliMissing([`$TEMPORAL_CLI = ${asked}`]);
  }
  const onPath = (environment.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'temporal'));
  const cache = cacheFolder(environment);
  const cached = [...versions(join(cache, 'temporal')), join(cache, 'build', 'temporal')];
  const found = [...onPath, ...cached].find(isExecutable);
  if (found === undefined) throw new TemporalCliMissing(['PATH', join(cache, 'temporal', '<version>', 'temporal')]);
  return found;
}

/** Version of the server inside the CLI: `1.29.1`. The database file is named by it. */
export function temporalServerVersion(cli: string): string {
  const text = execFileSync(cli, ['--version'], { encoding: 'utf8', timeout: 30_000 });
  const version = /Server (\d[\w.-]*)/.exec(text)?.[1];
  if (version === undefined) {
    throw new Error(`expected "Server <version>" from ${cli} --version, got ${JSON.stringify(text.trim())}`);
  }
  return version;
}

/** Lethe's folder of the user's cache. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lethe');
}

function versions(folder: string): string[] {
  try {
    return readdirSync(folder)
      .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
      .map((version) => join(folder, version, 'temporal'));
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
