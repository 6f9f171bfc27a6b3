import { relative } from 'node:path';
import type { StageSpec } from '../experiment/stage-spec.ts';
import { readJson } from './read-json.ts';
import { dataManifestSchema } from './schemas.ts';
import type { StageFolder } from './stage-folder.ts';
import type { FileDigest, StageResult } from './stage-result.ts';
import type { Outcome, WriterOrigin } from './writer-files.ts';
import { sha256OfFile, type WriterFolder } from './writer-folder.ts';

const WEIGHTS = 'model.safetensors';

/** Thrown when the files of a trainer that said it was done do not make a whole result. The next attempt may still fill the gap. */
export class ResultRefused extends Error {
  override readonly name = 'ResultRefused';
}

/** A writer of the chain that led to the end, and the steps for which its word counts. */
export interface ChainLink {
  readonly writer: WriterFolder;
  readonly origin: WriterOrigin;
  /** Its successor went on from this step; what it did behind it is not part of the lineage. Infinity for the last writer. */
  readonly until: number;
}

/** The writer itself, the one that its from.json names, and so on: newest first. Throws `ResultRefused` when a link is missing. */
export async function chainOf(last: WriterFolder): Promise<ChainLink[]> {
  const chain: ChainLink[] = [];
  const seen = new Set<string>();
  let writer = last;
  let until = Number.POSITIVE_INFINITY;
  for (;;) {
    const name = `${writer.attempt.number}/${writer.name}`;
    const origin = await writer.origin();
    if (origin === undefined) throw new ResultRefused(`${writer.path}: expected from.json of the lineage, got none`);
    if (seen.has(name)) throw new ResultRefused(`${writer.path}: expected a lineage with a beginning, got a circle`);
    seen.add(name);
    chain.push({ writer, origin, until });
    if (origin.checkpoint === null) return chain;
    const { attempt, writerName, step } = parseCheckpointName(origin.checkpoint, writer.path);
    writer = last.attempt.stage.attempt(attempt).writer(writerName);
    until = step;
  }
}

/** The anchors that a stage which ended at `lastStep` has to have. */
export function anchorsOf(spec: StageSpec, lastStep: number): number[] {
  if (spec.score === undefined) return [];
  const planned = spec.score.atSteps.filter((step) => step <= lastStep);
  return [...new Set([...planned, lastStep])].sort((a, b) => a - b);
}

/**
 * The result of a stage whose attempt `attempt` has a writer that ended with code 0: every file of the winning lineage, read and digested. Each anchor comes
 * from the newest writer of the chain that has it whole. Throws `ResultRefused` with the first thing that is missing or damaged.
 */
export async function resultOf(stage: StageFolder, attempt: number, now: string): Promise<StageResult> {
  const spec = await stage.spec();
  const { writer, outcome } = await winnerOf(stage, attempt);
  const chain = await chainOf(writer);
  const newest = chain[0];
  if (newest === undefined) throw new ResultRefused(`${writer.path}: expected a lineage, got none`);
  const anchors: StageResult['anchors'][number][] = [];
  if (spec.score !== undefined) {
    const rows = await rowsOf(stage, spec.score.data.digest);
    const scored = await Promise.all(chain.map(async ({ writer }) => new Set(await writer.scoredSteps())));
    for (const step of anchorsOf(spec, outcome.step)) {
      const having = chain.filter(({ until }, index) => step <= until && scored[index]?.has(step));
      anchors.push(await anchorOf(stage, having, step, rows));
    }
  }
  const weights = spec.train === undefined ? undefined : await weightsOf(chain, outcome.step);
  return {
    format: 'lethe-result/1',
    key: stage.key,
    attempt,
    writer: writer.name,
    steps: outcome.step,
    stoppedBy: outcome.stoppedBy ?? 'step-limit',
    ...(weights === undefined ? {} : { weights }),
    anchors,
    lineage: chain.flatMap(({ origin }) => origin.checkpoint ?? []).reverse(),
    numerics: newest.origin.numerics,
    trainerBuild: newest.origin.build,
    microBatchChanged: await microBatchChanged(stage, chain),
    collectedAt: now,
  };
}

async function winnerOf(stage: StageFolder, attempt: number): Promise<{ writer: WriterFolder; outcome: Outcome }> {
  const outcome = await stage.attempt(attempt).outcome();
  if (outcome?.code === 0) return { writer: stage.attempt(attempt).writer(outcome.writer), outcome };
  const came = outcome === undefined ? 'no outcome.json' : `code ${outcome.code} (${outcome.sentence})`;
  throw new ResultRefused(
    `attempt ${attempt} of ${stage.shortKey}: expected a writer that ended with code 0, got ${came}`,
  );
}

async function rowsOf(stage: StageFolder, digest: string): Promise<number> {
  const path = `${stage.store.dataPath(digest)}/manifest.json`;
  return (await readJson<{ rows: number }>(path, dataManifestSchema)).rows;
}

/** `having` = the links of the chain that have a file for this anchor, newest first. */
async function anchorOf(stage: StageFolder, having: readonly ChainLink[], step: number, rows: number) {
  let came = 'none';
  for (const { writer } of having) {
    const path = writer.scoresPath(step);
    const { sha256, bytes, lines } = await sha256OfFile(path);
    if (lines === rows) return { step, rows, path: pathInStage(writer, path), sha256, bytes };
    came = `${lines} lines in ${path}`;
  }
  throw new ResultRefused(
    `stage ${stage.shortKey}, anchor ${step}: expected scores of ${rows} examples in the lineage, got ${came}`,
  );
}

async function weightsOf(chain: readonly ChainLink[], step: number): Promise<FileDigest> {
  for (const { writer, until } of chain) {
    if (step > until) continue;
    const file = (await writer.checkpoint(step, 'digests', WEIGHTS))?.files[WEIGHTS];
    if (file === undefined) continue;
    return { path: pathInStage(writer, `${writer.checkpointPath(step)}/${WEIGHTS}`), ...file };
  }
  const name = chain[0]?.writer.attempt.stage.shortKey;
  throw new ResultRefused(
    `stage ${name}: expected the weights of step ${step} with their digests, got no such checkpoint in the lineage`,
  );
}

/** Another micro-batch sums in another order: equal within a tolerance, not bit for bit. */
async function microBatchChanged(stage: StageFolder, chain: readonly ChainLink[]): Promise<boolean> {
  const attempts = new Set([1, ...chain.map(({ writer }) => writer.attempt.number)]);
  const sizes = await Promise.all(
    [...attempts].map(async (number) => microBatchOf((await stage.attempt(number).job())?.command)),
  );
  return new Set(sizes.filter((size) => size !== undefined)).size > 1;
}

function microBatchOf(command: readonly string[] | undefined): string | undefined {
  const at = command?.indexOf('--micro-batch') ?? -1;
  return at === -1 ? undefined : command?.[at + 1];
}

function pathInStage(writer: WriterFolder, path: string): string {
  return relative(writer.attempt.stage.path, path);
}

function parseCheckpointName(name: string, where: string): { attempt: number; writerName: string; step: number } {
  const match = /^(\d+)\/([A-Za-z0-9][A-Za-z0-9._-]*)\/step-(\d+)$/.exec(name);
  if (match?.[2] !== undefined) return { attempt: Number(match[1]), writerName: match[2], step: Number(match[3]) };
  throw new ResultRefused(
    `${where}/from.json: expected checkpoint <attempt>/<writer>/step-NNNNNN, got ${JSON.stringify(name)}`,
  );
}
