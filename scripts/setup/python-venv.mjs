// A Python environment with pinned packages in the user's cache folder, for checks against other implementations. Nothing else needs Python.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, logs } from './places.mjs';
import { onPath } from './system-packages.mjs';
import { run, SetupProblem, say } from './terminal.mjs';

/** What PyTorch, Transformers and PEFT are compared at. */
export const ORACLE_PACKAGES = ['torch==2.15.0', 'transformers==5.23.0', 'peft==0.21.2', 'safetensors', 'numpy'];

/**
 * The python of an environment with `packages`: that of the folder `given`, taken as it is, or one made and kept at <cache>/<name>-venv. The first time takes
 * minutes and about 5 GB.
 */
export async function ensurePythonVenv({ name, packages = ORACLE_PACKAGES, given }) {
  if (given !== undefined) {
    const python = join(given, 'bin', 'python');
    if (existsSync(python)) return python;
    throw new SetupProblem(
      `expected a Python environment at ${given}, but there is no ${python}: correct or unset the variable.`,
    );
  }
  const venv = join(cache, `${name}-venv`);
  const python = join(venv, 'bin', 'python');
  const stamp = join(venv, '.lethe-packages');
  const wanted = packages.join('\n');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return python;
  const base = onPath('python3');
  if (base === undefined)
    throw new SetupProblem('expected python3 ≥ 3.10 with its venv module (Debian: python3-venv), found none.');
  say(`Making a Python environment in ${venv}: ${packages.join(', ')} (minutes, about 5 GB).`);
  const log = join(logs, `${name}-venv.log`);
  await run('make the environment', base, ['-m', 'venv', '--clear', venv], { log });
  await run(
    'install its packages',
    python,
    ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages],
    { log },
  );
  writeFileSync(stamp, wanted);
  return python;
}
