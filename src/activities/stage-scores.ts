import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { StageFolder } from '../artifacts/stage-folder.ts';
import type { StageResult } from '../artifacts/stage-result.ts';
import type { StageScoreRow } from '../artifacts/tables/score-columns.ts';
import { writeStageScoreTable } from '../artifacts/tables/write-score-table.ts';
import { type Dataset, type DatasetExample, readDataset } from '../data/read-dataset.ts';
import { rouge1 } from '../statistics/rouge.ts';

/** Thrown when a score file of a finished stage is not what its result says. */
export class BadScores extends Error {
  override readonly name = 'BadScores';
}

interface ScoreLine {
  readonly id: string;
  readonly tokens: number;
  readonly sumLogProb: number;
  readonly generated: readonly number[];
}

/** Datasets that were read once, by digest: the stages of a sweep share a few. */
export class DatasetShelf {
  private readonly folder: string;
  private readonly known = new Map<string, Promise<ReadableDataset>>();

  constructor(dataFolder: string) {
    this.folder = dataFolder;
  }

  get(digest: string): Promise<ReadableDataset> {
    let dataset = this.known.get(digest);
    if (dataset === undefined) {
      dataset = readDataset(this.folder, digest).then((read) => ({
        decode: read.decode,
        byId: new Map(read.examples.map((example) => [example.id, example])),
      }));
      this.known.set(digest, dataset);
    }
    return dataset;
  }
}

interface ReadableDataset {
  readonly decode: Dataset['decode'];
  readonly byId: ReadonlyMap<string, DatasetExample>;
}

/**
 * Makes `stages/<key>/scores.parquet` from the score files that the result names, unless it is there: one row per anchor and example with ROUGE-1 and exact match
 * of the greedy continuation. Returns its path, or undefined when the stage scores nothing. Requires: the stage is done.
 */
export async function writeStageScores(
  stage: StageFolder,
  result: StageResult,
  datasets: DatasetShelf,
  connection: DuckDBConnection,
): Promise<string | undefined> {
  if (result.anchors.length === 0) return undefined;
  const path = stage.scoresPath;
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (there) return path;
  const { score } = await stage.spec();
  if (score === undefined) {
    throw new BadScores(
      `${stage.path}: expected a stage that scores something, its result has ${result.anchors.length} anchors`,
    );
  }
  const dataset = await datasets.get(score.data.digest);
  const anchors = [...result.anchors].sort((a, b) => a.step - b.step);
  const rows: StageScoreRow[] = [];
  for (const anchor of anchors) {
    const file = join(stage.path, anchor.path);
    const bytes = await readFile(file);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== anchor.sha256) {
      throw new BadScores(`${file}: expected sha256 ${anchor.sha256} as in result.json, got ${sha256}`);
    }
    rows.push(...rowsOfAnchor(file, bytes.toString('utf8'), anchor.step, dataset));
  }
  await writeStageScoreTable(path, rows, connection);
  return path;
}

function rowsOfAnchor(file: string, text: string, step: number, dataset: ReadableDataset): StageScoreRow[] {
  const rows = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): StageScoreRow => {
      const { id, tokens, sumLogProb, generated } = JSON.parse(line) as ScoreLine;
      const example = dataset.byId.get(id);
      if (example === undefined) throw new BadScores(`${file}: expected examples of the scored dataset, got ${id}`);
      // The response ends with the end token; `generated` stops before it.
      const expected = example.responseTokens.slice(0, -1);
      return {
        step,
        example: id,
        class: example.class,
        notion: example.notion,
        cluster: example.cluster,
        tokens,
        sumLogProb,
        rouge1: rouge1(example.response, dataset.decode(generated)),
        exactMatch: expected.length === generated.length && expected.every((token, i) => token === generated[i]),
      };
    });
  return rows.sort((a, b) => (a.example < b.example ? -1 : a.example > b.example ? 1 : 0));
}
