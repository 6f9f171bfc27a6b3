import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withStoreOptions } from '../command.ts';
import { BadInput, EXIT, type ExitCode } from '../exit-codes.ts';
import { WEIGHTS_OPTION } from '../inputs/weights-option.ts';

interface ScoreOptions extends StoreOptions {
  readonly model: string;
  readonly file: string;
  readonly chat?: boolean;
  readonly threads?: string;
  readonly weights?: string;
}

export function scoreCommand(): Command {
  const command = makeCommand({
    usage: 'score',
    description:
      'Log-probabilities of responses: for each item {id, prompt, response} of a file, their sum and the number of tokens',
    examples: [
      'lethe score --model smollm2-135m-instruct --file items.jsonl',
      'lethe score --model smollm2-135m-instruct --file items.jsonl --chat --json',
    ],
  })
    .requiredOption('--model <name>', 'a model of the store (lethe model list)')
    .requiredOption('--file <path>', 'JSON lines with id, prompt and response; "-" reads them from standard input')
    .option(
      '--chat',
      "write each prompt as a user's message in the model's chat form, and end the response as an assistant's",
    )
    .option('--threads <count>', 'threads (default: chosen by the model); results do not depend on it')
    .option(...WEIGHTS_OPTION);
  return withStoreOptions(command).action(exitsWith(score));
}

async function score(options: ScoreOptions): Promise<ExitCode> {
  const [{ Output }, { applyModel, openModel, requireRoom, trainerFlags }, { readScoreItems }, { storeFolder }] =
    await Promise.all([
      import('../terminal/output.ts'),
      import('../inputs/apply-model.ts'),
      import('../inputs/score-items.ts'),
      import('../project-folder.ts'),
    ]);
  const output = new Output(options);
  const flags = trainerFlags(options);
  const items = await readScoreItems(options.file);
  const { folder, manifest, tokenizer } = await openModel(storeFolder(options.store), options.model);
  const { chat } = tokenizer;
  if (options.chat && chat === undefined)
    throw new BadInput(`--chat: expected a model with a chat template, got ${options.model}, which has none`);
  const rows = items.map(({ id, prompt, response }) => {
    const row =
      options.chat && chat
        ? {
            id,
            prompt: tokenizer.encode(chat.prompt([{ role: 'user', content: prompt }])),
            response: [...tokenizer.encode(response), tokenizer.endToken],
          }
        : { id, prompt: tokenizer.encode(prompt, { start: true }), response: tokenizer.encode(response) };
    if (row.prompt.length === 0) throw new BadInput(`${id}: expected a prompt of at least one token, got none`);
    if (row.response.length === 0) throw new BadInput(`${id}: expected a response of at least one token, got none`);
    requireRoom(manifest.spec, id, [...row.prompt, ...row.response]);
    return row;
  });
  const scores = await applyModel<{ readonly id: string; readonly tokens: number; readonly sumLogProb: number }>(
    'score',
    folder,
    rows,
    flags,
  );
  for (const line of scores) {
    output.record(line);
    output.line(
      `${line.id}\t${line.tokens} tokens\t${line.sumLogProb.toFixed(6)}\t${(line.sumLogProb / line.tokens).toFixed(6)} a token`,
    );
  }
  return EXIT.done;
}
