import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withStoreOptions } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export function uiCommand(): Command {
  const command = makeCommand({
    usage: 'ui [sweep]',
    description: "Print the Temporal UI's address, of one sweep or of all; starts the store's server when it is down",
    examples: ['lethe ui', 'lethe ui quickstart'],
  });
  return withStoreOptions(command).action(exitsWith(showUi));
}

async function showUi(name: string | undefined, options: StoreOptions): Promise<ExitCode> {
  const [{ Output }, { openStore, connectStore, sweepLink }, { findSweep }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../session.ts'),
    import('../sweeps.ts'),
  ]);
  const output = new Output(options);
  const store = await openStore(options.store);
  const sweep = name === undefined ? undefined : await findSweep(store, name);
  const connection = await connectStore(store, { worker: 'unless stopped', say: (text) => output.say(text) });
  await connection.close();
  if (connection.ui === undefined) {
    output.record({ address: connection.address, namespace: connection.namespace });
    output.line(
      `The server ${connection.address} (namespace ${connection.namespace}) is not Lethe's own: its UI is where its owner put it.`,
    );
    return EXIT.done;
  }
  const page =
    (sweep && sweepLink(connection, sweep.id)) ?? `${connection.ui}/namespaces/${connection.namespace}/workflows`;
  output.record({ ui: page, address: connection.address, namespace: connection.namespace });
  output.line(page);
  return EXIT.done;
}
