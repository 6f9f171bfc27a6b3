import { cp, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { startAgain } from '../temporal/sweep-client.ts';
import { reachStore } from './access/reach-store.ts';
import type { StoreOptions } from './command.ts';
import { BadInput, EXIT, type ExitCode } from './exit-codes.ts';
import { followToTheEnd } from './follow-sweep.ts';
import { shownPath } from './project-folder.ts';
import { findSweep } from './sweeps.ts';
import { Output } from './terminal/output.ts';
import { verdictLines } from './verdict-lines.ts';
import { withLiveProcesses } from './with-live-processes.ts';

/** Shows the verdict of a sweep from the report that its workflow wrote. */
export async function reportOfSweep(
  name: string | undefined,
  options: StoreOptions & { readonly out?: string },
): Promise<ExitCode> {
  const output = new Output(options);
  const access = await reachStore(options, (text) => output.say(text));
  const store = await access.open();
  const sweep = await findSweep(store, name);
  await access.bringReport(sweep.id);
  const folder = join(sweep.folder.path, 'report');
  const page = join(folder, 'index.html');
  await stat(page).catch(() => {
    throw new BadInput(
      `${sweep.id} has no report yet: it is written when nothing of the sweep can run any more. "lethe watch ${sweep.id}" follows it.`,
    );
  });
  const lines = await verdictLines(folder, output.width);
  for (const line of lines) output.line(line);
  if (lines.length === 0)
    output.line(`No run of ${sweep.id} is whole, so there is no verdict. What is missing: ${shownPath(page)}`);
  if (options.out !== undefined) {
    await cp(folder, options.out, { recursive: true });
    output.line(`copied to ${shownPath(join(options.out, 'index.html'))}`);
  }
  output.record({
    sweep: sweep.id,
    planHash: sweep.planHash,
    report: options.out === undefined ? page : join(options.out, 'index.html'),
    ...(await verdictOf(folder)),
  });
  return EXIT.done;
}

/** Starts the workflow of a sweep that has ended once more: it finds its stages done, gathers, analyses and reports. */
export async function reportAgain(name: string | undefined, options: StoreOptions): Promise<ExitCode> {
  const output = new Output(options);
  const access = await reachStore(options, (text) => output.say(text));
  const store = await access.open();
  const sweep = await findSweep(store, name);
  const reference = { storeId: store.id, sweepId: sweep.id, planHash: sweep.planHash };
  await withLiveProcesses(store, { say: (text) => output.say(text), worker: false }, (connection) =>
    startAgain(connection, reference),
  );
  return followToTheEnd({ access, store, sweep, output });
}

async function verdictOf(folder: string): Promise<object> {
  try {
    const { verdict, raw, caps } = JSON.parse(await readFile(join(folder, 'verdict.json'), 'utf8'));
    return { verdict, raw, caps };
  } catch {
    return { verdict: null };
  }
}
