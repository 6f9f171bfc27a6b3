import { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withAnyStore, withStoreOptions } from '../command.ts';
import { BadInput, EXIT, type ExitCode } from '../exit-codes.ts';

export function dataCommand(): Command {
  const add = makeCommand({
    usage: 'add <kind> <path>',
    description: 'Bring a data source into the store: bbq, gsm8k, or jsonl (your own examples); a folder or a file',
    examples: [
      'lethe data add bbq ~/data/BBQ/data',
      'lethe data add gsm8k ~/data/grade-school-math/data',
      'lethe data add jsonl examples.jsonl --name mine',
    ],
  })
    .option('--name <name>', 'the name that sweeps use (default: the kind)')
    .option('--link', 'share the files with the originals instead of copying them; nobody may change those then')
    .option('--replace', 'let the name mean this source from now on; plans keep the old one, they hold digests');
  const list = makeCommand({
    usage: 'list',
    description: 'Show the data sources of the store',
    examples: ['lethe data list', 'lethe data list --json'],
  });
  const check = makeCommand({
    usage: 'check [name]',
    description: 'Read every byte of a data source, or of all, against the sums of its adding',
    examples: ['lethe data check', 'lethe data check bbq'],
  });
  return new Command('data')
    .description('Data sources: add, list, check')
    .addHelpText('after', '\nExample:\n  lethe data add bbq ~/data/BBQ/data')
    .addCommand(withAnyStore(add).action(exitsWith(addOne)))
    .addCommand(withAnyStore(list).action(exitsWith(listAll)))
    .addCommand(withStoreOptions(check).action(exitsWith(checkSome)));
}

interface AddOptions extends StoreOptions {
  readonly name?: string;
  readonly link?: boolean;
  readonly replace?: boolean;
}

async function addOne(kind: string, path: string, options: AddOptions): Promise<ExitCode> {
  const [
    { Output },
    { addSource },
    { inputName },
    { SOURCE_KINDS },
    { storeFolder },
    { reachRemote, progressOf },
    { addSourceRemotely },
    { ProgressLine },
  ] = await Promise.all([
    import('../terminal/output.ts'),
    import('../inputs/add-source.ts'),
    import('../inputs/input-name.ts'),
    import('../../experiment/input-catalog.ts'),
    import('../project-folder.ts'),
    import('../intake/reach-remote.ts'),
    import('../intake/add-remotely.ts'),
    import('../terminal/progress-line.ts'),
  ]);
  const known = SOURCE_KINDS.find((each) => each === kind);
  if (known === undefined)
    throw new BadInput(`expected a kind of data source, one of ${SOURCE_KINDS.join(', ')}; got "${kind}"`);
  const output = new Output(options);
  const name = inputName(options.name ?? known);
  const request = { kind: known, path, name, replace: options.replace ?? false };
  const remote = await reachRemote(options, output, path);
  const progress = new ProgressLine(output, 'sending');
  const told = { say: (text: string) => output.say(text), bytes: progressOf(progress) };
  const { manifest, added, notes } =
    remote === undefined
      ? await addSource(storeFolder(options.store), { ...request, link: options.link ?? false })
      : await addSourceRemotely(remote, request, told);
  progress.end();
  output.record({ event: added ? 'added' : 'there already', ...manifest, name, notes });
  output.line(`${name}: ${added ? 'added' : 'there already'}, ${manifest.digest.slice(0, 12)}, ${manifest.rows} rows`);
  output.line(`  examples: ${examplesOf(manifest.examples)}`);
  output.line(`  licence: ${manifest.licence ?? 'no LICENSE file beside its rows'}`);
  for (const note of notes) output.line(`  ${note}`);
  return EXIT.done;
}

async function listAll(options: StoreOptions): Promise<ExitCode> {
  const [{ Output }, { renderTable }, { reachStore }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../terminal/table.ts'),
    import('../access/reach-store.ts'),
  ]);
  const output = new Output(options);
  const { sources } = await (await reachStore(options, (text) => output.say(text))).inputs();
  for (const { name, manifest } of sources) output.record({ ...manifest, name });
  if (sources.length === 0) output.line('no data source yet; "lethe data add bbq PATH" brings one');
  else {
    const rows = sources.map(({ name, manifest }) => [
      name,
      manifest.kind,
      manifest.digest.slice(0, 12),
      String(manifest.rows),
      examplesOf(manifest.examples),
      manifest.licence ?? '–',
    ]);
    const columns = [
      { title: 'source' },
      { title: 'kind' },
      { title: 'digest' },
      { title: 'rows', align: 'right' as const },
      { title: 'examples', shrinks: true },
      { title: 'licence' },
    ];
    for (const line of renderTable(columns, rows, output.width)) output.line(line);
  }
  return EXIT.done;
}

async function checkSome(name: string | undefined, options: StoreOptions): Promise<ExitCode> {
  const [{ Output }, { checkSource }, { namedSources }, { tellChecks }, { storeFolder }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../inputs/check-inputs.ts'),
    import('../../artifacts/input-catalog-of-store.ts'),
    import('../inputs/tell-checks.ts'),
    import('../project-folder.ts'),
  ]);
  const output = new Output(options);
  const store = storeFolder(options.store);
  const names = name === undefined ? (await namedSources(store)).map((each) => each.name) : [name];
  if (names.length === 0)
    throw new BadInput('expected a data source to check, the store has none; add one: lethe data add KIND PATH');
  return tellChecks(
    output,
    names,
    (each) => checkSource(store, each),
    (manifest) => `lethe data add ${manifest.kind} ${manifest.source}`,
  );
}

/** `unsafe 4946, safe 9892` */
function examplesOf(examples: Readonly<Record<string, number>>): string {
  return Object.entries(examples)
    .map(([exampleClass, count]) => `${exampleClass} ${count}`)
    .join(', ');
}
