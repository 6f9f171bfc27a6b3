import { FAILURE_CLASSES } from '../experiment/failure-classes.ts';
import { suggest } from '../experiment/suggest.ts';
import type { OverrideRequest } from '../experiment/sweep-control.ts';
import { BadInput } from './exit-codes.ts';

const WORDS = [
  'resources.cores',
  'resources.memory',
  'resources.gpus',
  'microBatch',
  'image',
  'queue',
  ...FAILURE_CLASSES.map((failure) => `retries.${failure}`),
];

/**
 * What `--set k=v` changes: how a stage is carried out, never what it is. All errors are told at once.
 * @throws BadInput for an unknown word, a value out of bounds, and a `recipe.*` word, which would be another stage.
 */
export function parseOverrides(settings: readonly string[]): OverrideRequest | undefined {
  if (settings.length === 0) return undefined;
  const errors: string[] = [];
  const resources: { cores?: number; memoryBytes?: number; gpus?: number } = {};
  const retries: Record<string, number> = {};
  const others: { microBatch?: number; image?: string; queue?: string } = {};
  for (const setting of settings) {
    const [, word = setting, value = ''] = /^([^=]*)=(.*)$/s.exec(setting) ?? [];
    const whole = (least: number) => {
      const number = Number(value);
      if (Number.isInteger(number) && number >= least && value.trim() !== '') return number;
      errors.push(`--set ${word}: expected a whole number ≥ ${least}, got "${value}"`);
      return undefined;
    };
    const put = <Key extends string, Value>(
      target: Partial<Record<Key, Value>>,
      key: Key,
      parsed: Value | undefined,
    ) => {
      if (parsed !== undefined) target[key] = parsed;
    };
    if (!setting.includes('=')) errors.push(`--set ${setting}: expected word=value`);
    else if (word.startsWith('recipe.')) {
      errors.push(
        `--set ${word}: a recipe is part of the stage's key, so a changed one is another stage. Edit the sweep file and run it again: what kept its key is reused.`,
      );
    } else if (word === 'resources.cores') put(resources, 'cores', whole(1));
    else if (word === 'resources.gpus') put(resources, 'gpus', whole(0));
    else if (word === 'resources.memory') put(resources, 'memoryBytes', parseMemory(value, errors));
    else if (word === 'microBatch') put(others, 'microBatch', whole(1));
    else if (word === 'image' || word === 'queue') {
      if (value === '') errors.push(`--set ${word}: expected a name, got nothing`);
      else others[word] = value;
    } else if (WORDS.includes(word)) put(retries, word.slice('retries.'.length), whole(0));
    else {
      const meant = suggest(word, WORDS);
      errors.push(
        `--set ${word}: unknown word${meant === undefined ? '' : `, did you mean ${meant}?`} Known: ${WORDS.join(', ')}`,
      );
    }
  }
  if (errors.length > 0) throw new BadInput(errors.join('\n'));
  return {
    ...(Object.keys(resources).length > 0 && { resources }),
    ...others,
    ...(Object.keys(retries).length > 0 && { retries }),
  };
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  Mi: 2 ** 20,
  MiB: 2 ** 20,
  Gi: 2 ** 30,
  GiB: 2 ** 30,
};

function parseMemory(text: string, errors: string[]): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim()) ?? [];
  const factor = UNITS[unit ?? ''];
  if (number === undefined || factor === undefined || Number(number) <= 0) {
    errors.push(`--set resources.memory: expected an amount such as 2GB or 512MiB, got "${text}"`);
    return undefined;
  }
  return Math.round(Number(number) * factor);
}
