import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { expect, it } from 'vitest';

const PROGRAM = `
  import { workerLogger } from ${JSON.stringify(new URL('../../src/temporal/worker-logger.ts', import.meta.url).href)};
  const log = workerLogger();
  for (let record = 0; record < 3; record += 1) {
    log.warn('Activity failed');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
`;

it('a worker whose log is on a full disk works on', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    stdio: ['ignore', full, 'pipe'],
  });
  closeSync(full);
  let said = '';
  child.stderr?.on('data', (data) => {
    said += data;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect({ code, said }).toEqual({ code: 0, said: '' });
});
