import type { Command } from 'commander';
import { exitsWith, makeCommand, type StoreOptions, withStoreOptions } from '../command.ts';
import { BadInput, EXIT, type ExitCode } from '../exit-codes.ts';
import { WEIGHTS_OPTION } from '../inputs/weights-option.ts';
import { wholeNumber } from '../whole-number.ts';

interface GenerateOptions extends StoreOptions {
  readonly model: string;
  readonly prompt: string;
  readonly maxNewTokens: string;
  readonly chat?: boolean;
  readonly threads?: string;
  readonly weights?: string;
}

export function generateCommand(): Command {
  const command = makeCommand({
    usage: 'generate',
    description: 'What a model says next: its greedy continuation of a prompt',
    examples: [
      'lethe generate --model smollm2-135m-instruct --prompt "The capital of France is" --max-new-tokens 24',
      'lethe generate --model smollm2-135m-instruct --chat --prompt "What is the capital of France?"',
    ],
  })
    .requiredOption('--model <name>', 'a model of the store (lethe model list)')
    .requiredOption('--prompt <text>', 'what it continues, or with --chat answers')
    .option('--max-new-tokens <count>', 'at most so many tokens', '64')
    .option('--chat', "write the prompt as a user's message in the model's chat form")
    .option('--threads <count>', 'threads (default: chosen by the model); results do not depend on it')
    .option(...WEIGHTS_OPTION);
  return withStoreOptions(command).action(exitsWith(generate));
}

async function generate(options: GenerateOptions): Promise<ExitCode> {
  const [{ Output }, { applyModel, openModel, requireRoom, trainerFlags }, { storeFolder }] = await Promise.all([
    import('../terminal/output.ts'),
    import('../inputs/apply-model.ts'),
    import('../project-folder.ts'),
  ]);
  const output = new Output(options);
  const most = wholeNumber('--max-new-tokens', options.maxNewTokens, 1, 4096);
  const flags = trainerFlags(options);
  const { folder, manifest, tokenizer } = await openModel(storeFolder(options.store), options.model);
  const { chat } = tokenizer;
  if (options.chat && chat === undefined)
    throw new BadInput(`--chat: expected a model with a chat template, got ${options.model}, which has none`);
  const prompt =
    options.chat && chat
      ? tokenizer.encode(chat.prompt([{ role: 'user', content: options.prompt }]))
      : tokenizer.encode(options.prompt, { start: true });
  if (prompt.length === 0) throw new BadInput('--prompt: expected a text of at least one token, got none');
  requireRoom(manifest.spec, '--prompt', prompt);
  const [line] = await applyModel<{ readonly generated: readonly number[] }>(
    'generate',
    folder,
    [{ id: 'prompt', prompt }],
    [...['--max-new-tokens', String(most), '--end-token', String(tokenizer.endToken)], ...flags],
  );
  const tokens = line?.generated ?? [];
  const text = tokenizer.decode(tokens);
  output.record({ text, tokens, promptTokens: prompt, endedBy: tokens.length < most ? 'end' : 'length' });
  output.line(text);
  return EXIT.done;
}
