import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode } from './has-code.ts';
import { huggingFaceConfig } from './hugging-face-config.ts';
import { namesIn } from './small-files.ts';
import type { StageFolder } from './stage-folder.ts';
import { sha256OfFile } from './writer-folder.ts';

/** The two files that PEFT loads, as a checkpoint of a LoRA stage has them. */
export const ADAPTER_FILES = ['adapter_model.safetensors', 'adapter_config.json'] as const;

/** What a model's source has beside its weights that whoever generates needs too. */
const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
  'generation_config.json',
];

/** Thrown when a stage has no final weights to give, or the folder that they should go to is not empty. */
export class CannotExport extends Error {
  override readonly name = 'CannotExport';
}

export interface ExportedModel {
  /** config.json, model.safetensors and the tokenizer's files, for Transformers. */
  readonly model: string;
  /** adapter_config.json and adapter_model.safetensors, for PEFT: only of a LoRA stage whose adapter is still there. */
  readonly adapter?: string;
  readonly tokenizerFiles: readonly string[];
}

/**
 * Writes the final weights of a finished stage to `to`/model (adapters merged) and, for a LoRA stage, its adapter to `to`/adapter: two folders, because
 * Transformers takes a folder with both for an adapter. Weights are checked against the result's digest on the way.
 */
export async function exportModel(stage: StageFolder, to: string): Promise<ExportedModel> {
  const [spec, result] = await Promise.all([stage.spec(), stage.result()]);
  if (result === undefined)
    throw new CannotExport(`expected a stage that is done, got ${stage.shortKey}, which has no result yet`);
  if (result.weights === undefined)
    throw new CannotExport(`expected a stage that trains, got ${stage.shortKey} of kind ${spec.kind}`);
  if ((await namesIn(to)).length > 0)
    throw new CannotExport(`expected an empty or new folder, got ${to} with files in it`);
  const weights = join(stage.path, result.weights.path);
  const model = join(to, 'model');
  await mkdir(model, { recursive: true });
  await copyFile(weights, join(model, 'model.safetensors'));
  const { sha256 } = await sha256OfFile(join(model, 'model.safetensors'));
  if (sha256 !== result.weights.sha256) {
    await rm(to, { recursive: true, force: true });
    throw new CannotExport(`${weights}: expected sha256 ${result.weights.sha256} (result.json), got ${sha256}`);
  }
  await writeFile(join(model, 'config.json'), `${JSON.stringify(huggingFaceConfig(spec.model), null, 2)}\n`);
  const tokenizerFiles = await copyThere(await sourceFolder(stage), model, TOKENIZER_FILES);
  if (spec.train?.tuning?.kind !== 'lora') return { model, tokenizerFiles };
  const adapter = join(to, 'adapter');
  await mkdir(adapter);
  const copied = await copyThere(dirname(weights), adapter, ADAPTER_FILES);
  return { model, tokenizerFiles, ...(copied.length === ADAPTER_FILES.length && { adapter }) };
}

/** The model's folder that the chain of stages began with; undefined when it began with random weights. */
async function sourceFolder(stage: StageFolder): Promise<string | undefined> {
  for (let at = stage; ; ) {
    const { start } = await at.spec();
    if (start.kind === 'weights') return at.store.modelPath(start.digest);
    if (start.kind === 'random') return undefined;
    at = at.store.stage(start.key);
  }
}

async function copyThere(from: string | undefined, to: string, names: readonly string[]): Promise<string[]> {
  const copied: string[] = [];
  for (const name of from === undefined ? [] : names) {
    try {
      await copyFile(join(from!, name), join(to, name));
      copied.push(name);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
  return copied;
}
