import { constants } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

let numbers = 0;

/**
 * Gives a command to the first process of the cluster or of a node and waits until it was carried out.
 * Throws with what that process said when it could not, or when nobody listens.
 */
export async function sendCommand(folder: string, control: string, command: string, limitMs = 15_000): Promise<void> {
  const number = `${process.pid}-${++numbers}`;
  const answer = join(folder, 'answers', number);
  const pipe = await open(control, constants.O_WRONLY | constants.O_NONBLOCK).catch((error: Error) => {
    throw new Error(`expected a running cluster to take \`${command}\` at ${control}: ${error.message}`);
  });
  await pipe.write(`${number} ${command}\n`);
  await pipe.close();
  for (const deadline = Date.now() + limitMs; ; ) {
    const said = await readFile(answer, 'utf8').catch(() => undefined);
    if (said !== undefined) {
      await rm(answer);
      if (said !== '') throw new Error(`\`${command}\` was not carried out: ${said.trim()}`);
      return;
    }
    if (Date.now() > deadline) throw new Error(`expected an answer to \`${command}\` within ${limitMs} ms, got none`);
    await sleep(10);
  }
}
