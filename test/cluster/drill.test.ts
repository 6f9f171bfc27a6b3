import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it } from 'vitest';
import { DRILL_MATRIX } from '../../src/drill/matrix.ts';
import type { RowResult } from '../../src/drill/row-result.ts';

/** What a drill may take, from its cluster's start to its last row. */
const LIMIT_MS = 720_000;

/** The whole matrix runs once, rows side by side; each test is one row of it. */
describe('the failure ledger on a real cluster', () => {
  const results = new Map<string, RowResult>();
  let said = '';
  beforeAll(async () => {
    const main = join(import.meta.dirname, 'drill', 'main.ts');
    const node = [process.execPath, '--disable-warning=ExperimentalWarning', main, '--json'];
    // Its small volume is a mount, which ends with the mount namespace.
    const drill = spawn('unshare', ['--mount', '--propagation', 'private', ...node], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    drill.stderr.on('data', (chunk) => {
      said += chunk;
    });
    for await (const line of createInterface(drill.stdout)) {
      const result = JSON.parse(line) as RowResult;
      results.set(result.row, result);
    }
  }, LIMIT_MS);

  it.each(DRILL_MATRIX.map(({ name, what }) => [name, what]))('%s: %s', (name) => {
    expect(results.get(name) ?? said.slice(-2_000)).toMatchObject({ status: 'held', misses: [] });
  });
});
