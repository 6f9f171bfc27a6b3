import { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withAnyStore, withStoreOptions } from '../command.ts';
import { BadInput, EXIT, type ExitCode } from '../exit-codes.ts';

export function storeCommand(): Command {
  const du = makeCommand({
    usage: 'du',
    description: 'Show what takes the space of the store, and what of it nobody needs',
    examples: ['lethe store du'],
  });
  const gc = makeCommand({
    usage: 'gc',
    description: 'Remove checkpoints that nobody goes on from, and stages that no plan of the store names',
    examples: ['lethe store gc --dry-run', 'lethe store gc'],
  }).option('--dry-run', 'only say what would be removed');
  const adopt = makeCommand({
    usage: 'adopt',
    description: 'Give the store to another Temporal server; only when no worker of the old one is left',
    examples: ['lethe store adopt --embedded', 'lethe store adopt --address 127.0.0.1:7233 --namespace lethe'],
  })
    .option('--embedded', 'to its own server, started when it is down')
    .option('--address <host:port>', 'to a server that somebody runs')
    .option('--namespace <name>', 'its namespace', 'lethe');
  return new Command('store')
    .description('Look after the store: du, gc, adopt')
    .addHelpText('after', '\nExample:\n  lethe store du')
    .addCommand(withAnyStore(du).action(exitsWith(showUse)))
    .addCommand(withAnyStore(gc).action(exitsWith(collect)))
    .addCommand(withStoreOptions(adopt).action(exitsWith(adoptStore)));
}

async function showUse(options: StoreOptions): Promise<ExitCode> {
  const [{ Output }, { reachStore }, { renderTable }, { formatBytes }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../access/reach-store.ts'),
    import('../terminal/table.ts'),
    import('../terminal/duration.ts'),
  ]);
  const output = new Output(options);
  const access = await reachStore(options, (text) => output.say(text));
  const { folders, freeBytes } = await access.diskUse();
  const { bytes } = await access.collectGarbage(true);
  const store = access.remote ? access.shown : (await access.open()).path;
  output.record({ store, folders, freeBytes, removableBytes: bytes });
  const rows = folders.map((each) => [each.folder, formatBytes(each.bytes)]);
  for (const line of renderTable([{ title: 'folder' }, { title: 'size', align: 'right' }], rows)) output.line(line);
  output.line(`\nfree on its disk: ${formatBytes(freeBytes)}`);
  output.line(`nobody needs ${formatBytes(bytes)} of it: "lethe store gc" removes that`);
  return EXIT.done;
}

async function collect(options: StoreOptions & { readonly dryRun?: boolean }): Promise<ExitCode> {
  const [{ Output }, { reachStore }, { formatBytes }, { shownPath }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../access/reach-store.ts'),
    import('../terminal/duration.ts'),
    import('../project-folder.ts'),
  ]);
  const output = new Output(options);
  const access = await reachStore(options, (text) => output.say(text));
  const { found, bytes, freed } = await access.collectGarbage(options.dryRun === true);
  for (const each of found) {
    output.record(each);
    output.line(`${formatBytes(each.bytes).padStart(8)}  ${shownPath(each.path)}  (${each.why})`);
  }
  output.record({ removed: !options.dryRun, bytes: options.dryRun ? bytes : freed });
  output.line(options.dryRun ? `would free ${formatBytes(bytes)}` : `freed ${formatBytes(freed)}`);
  return EXIT.done;
}

interface AdoptOptions extends StoreOptions {
  readonly embedded?: boolean;
  readonly address?: string;
  readonly namespace: string;
}

async function adoptStore(options: AdoptOptions): Promise<ExitCode> {
  const [{ Output }, { openStore, EMBEDDED }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../session.ts'),
  ]);
  if ((options.embedded === true) === (options.address !== undefined)) {
    throw new BadInput(
      `expected either --embedded or --address HOST:PORT, got ${options.embedded ? 'both' : 'neither'}`,
    );
  }
  if (options.address !== undefined && !/^[^\s/:]+:\d{1,5}$/.test(options.address)) {
    throw new BadInput(`--address: expected HOST:PORT, got "${options.address}"`);
  }
  const output = new Output(options);
  const store = await openStore(options.store);
  const temporal =
    options.address === undefined ? EMBEDDED : { address: options.address, namespace: options.namespace };
  const adopted = await store.adopt(temporal);
  output.record({ store: store.path, before: store.temporal, now: adopted.temporal });
  output.line(
    `${store.path} belongs to ${temporal.address} (namespace ${temporal.namespace}) now; before: ${store.temporal.address} (${store.temporal.namespace})`,
  );
  return EXIT.done;
}
