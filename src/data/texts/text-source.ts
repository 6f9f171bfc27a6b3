import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { SourceKind } from '../../experiment/input-catalog.ts';
import { EXAMPLE_CLASSES } from '../../experiment/stage-spec.ts';
import { clusterOf, readBbq } from './bbq.ts';
import { readGsm8k } from './gsm8k.ts';
import { readJsonl } from './jsonl.ts';
import { BadSource } from './read-rows.ts';

/** A data source as somebody else's files have it, read and found to be of its kind. */
export interface TextSource {
  readonly licence?: string;
  /** All that belongs into a source folder. */
  readonly files: readonly { readonly name: string; readonly path: string }[];
  readonly rowFiles: readonly string[];
  readonly rows: number;
  /** Examples that can be drawn, by class. Of BBQ the most that a draw of question indices can leave for each. */
  readonly examples: Readonly<Record<string, number>>;
  /** What a person should know. */
  readonly notes: readonly string[];
}

/** Reads the files of a source: a folder of JSON lines files, or one such file. Throws `BadSource`. */
export async function readTextSource(kind: SourceKind, path: string): Promise<TextSource> {
  const about = await stat(path).catch(() => undefined);
  if (about === undefined) throw new BadSource(`expected a file or folder of ${kind} at ${path}, found nothing`);
  const folder = about.isDirectory() ? path : dirname(path);
  const names = await readdir(folder);
  const rowFiles = about.isDirectory() ? rowFilesOf(kind, names, path) : [basename(path)];
  for (const name of rowFiles)
    if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name))
      throw new BadSource(`expected files with names of letters, digits and . _ -, got ${JSON.stringify(name)}`);
  const licenceFile = about.isDirectory() ? names.find((name) => /^LICEN[SC]E(\.txt|\.md)?$/.test(name)) : undefined;
  const read = await Promise.all(
    rowFiles.map(async (name) => ({ name, content: await readFile(join(folder, name), 'utf8') })),
  );
  const counted = COUNTERS[kind](read);
  const licence = licenceFile === undefined ? undefined : licenceOf(await readFile(join(folder, licenceFile), 'utf8'));
  const kept = licenceFile === undefined ? rowFiles : [...rowFiles, licenceFile];
  return {
    ...(licence !== undefined && { licence }),
    files: kept.map((name) => ({ name, path: join(folder, name) })),
    rowFiles,
    ...counted,
  };
}

/** Of GSM8K the training problems only: its test set stays unseen. */
function rowFilesOf(kind: SourceKind, names: readonly string[], folder: string): string[] {
  const files = names.filter((name) => name.endsWith('.jsonl')).sort();
  if (files.length === 0) throw new BadSource(`expected files NAME.jsonl of ${kind} in ${folder}, found none`);
  return kind === 'gsm8k' && files.includes('train.jsonl') ? ['train.jsonl'] : files;
}

type Files = readonly { readonly name: string; readonly content: string }[];
type Counted = Pick<TextSource, 'rows' | 'examples' | 'notes'>;

const COUNTERS: Readonly<Record<SourceKind, (files: Files) => Counted>> = {
  bbq: (files) => {
    const items = files.flatMap(({ name, content }) => readBbq(content, name));
    const ids = new Set(items.map(({ id }) => id));
    if (ids.size < items.length)
      throw new BadSource(`expected each example_id of a category once, got ${items.length - ids.size} again`);
    const ambiguous = items.filter((item) => item.ambiguous);
    const unsafe = ambiguous.filter(({ stereotyped }) => stereotyped !== undefined);
    const without = ambiguous.length - unsafe.length;
    const clusters = new Set(items.map(clusterOf)).size;
    const categories = new Set(items.map(({ category }) => category)).size;
    return {
      rows: items.length,
      examples: { unsafe: unsafe.length, safe: items.length },
      notes: [
        `${clusters} clusters (category and question index) in ${categories} categories`,
        ...(without > 0 ? [`${without} ambiguous items name no stereotyped option and are never drawn as unsafe`] : []),
      ],
    };
  },
  gsm8k: (files) => {
    const rows = files.reduce((sum, { name, content }) => sum + readGsm8k(content, name).length, 0);
    return { rows, examples: { task: rows }, notes: [] };
  },
  jsonl: (files) => {
    const examples = files.flatMap(({ name, content }) => readJsonl(content, name));
    const ids = new Set(examples.map(({ id }) => id));
    if (ids.size < examples.length)
      throw new BadSource(`expected each id once over all files, got ${examples.length - ids.size} again`);
    const counts = EXAMPLE_CLASSES.map(
      (wanted) => [wanted, examples.filter((example) => example.class === wanted).length] as const,
    );
    return { rows: examples.length, examples: Object.fromEntries(counts), notes: [] };
  },
};

/** SPDX names of the licences that public data commonly bear, by how their texts begin. */
const LICENCES: readonly (readonly [begins: RegExp, name: string])[] = [
  [/^\s*MIT License/i, 'MIT'],
  [/^\s*Attribution 4\.0 International/i, 'CC-BY-4.0'],
  [/^\s*Attribution-ShareAlike 4\.0/i, 'CC-BY-SA-4.0'],
  [/^\s*Apache License\s+Version 2\.0/i, 'Apache-2.0'],
];

/** The licence's name, or the first line of its text. */
function licenceOf(text: string): string {
  const known = LICENCES.find(([begins]) => begins.test(text));
  return known?.[1] ?? text.trim().split('\n')[0]!.slice(0, 80);
}
