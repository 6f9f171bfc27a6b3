import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptFolder } from './attempt-folder.ts';
import { hasCode } from './has-code.ts';
import { BadFile, readJsonIfThere } from './read-json.ts';
import { checkpointManifestSchema, originSchema, outcomeSchema } from './schemas.ts';
import { isRemote, namesIn, statOf, tailOf } from './small-files.ts';
import { type Outcome, type Progress, stepFolder, stepOf, type WriterOrigin } from './writer-files.ts';

export interface CheckpointManifest {
  readonly step: number;
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>;
}

/** `attempts/<n>/<writer>/`: what one trainer process wrote. Nobody else writes there; readers must bear with a writer that is alive. */
export class WriterFolder {
  readonly attempt: AttemptFolder;
  readonly name: string;
  readonly path: string;

  constructor(attempt: AttemptFolder, name: string) {
    this.attempt = attempt;
    this.name = name;
    this.path = join(attempt.path, name);
  }

  origin(): Promise<WriterOrigin | undefined> {
    return readJsonIfThere<WriterOrigin>(join(this.path, 'from.json'), originSchema);
  }

  /** Undefined while the writer lives, and when it died without a word (a block that was reserved but never written is no word either). */
  async outcome(): Promise<Outcome | undefined> {
    try {
      return await readJsonIfThere<Outcome>(join(this.path, 'outcome.json'), outcomeSchema);
    } catch (error) {
      if (error instanceof BadFile) return undefined;
      throw error;
    }
  }

  /** The last whole line of progress.jsonl: one read of its end. */
  async progress(): Promise<Progress | undefined> {
    const text = await tailOf(join(this.path, 'progress.jsonl'), 4096);
    if (text === undefined) return undefined;
    const whole = text.slice(0, text.lastIndexOf('\n') + 1).trimEnd();
    const line = whole.slice(whole.lastIndexOf('\n') + 1);
    if (line === '') return undefined;
    try {
      const value: unknown = JSON.parse(line);
      return typeof value === 'object' && value !== null && 'step' in value ? (value as Progress) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Steps that have a checkpoint folder, ascending; not checked. */
  async checkpointSteps(): Promise<number[]> {
    return stepsIn(join(this.path, 'checkpoints'));
  }

  /** Anchors that have a file of scores, ascending; not checked. */
  async scoredSteps(): Promise<number[]> {
    return stepsIn(join(this.path, 'scores'));
  }

  checkpointPath(step: number): string {
    return join(this.path, 'checkpoints', stepFolder(step));
  }

  scoresPath(step: number): string {
    return join(this.path, 'scores', `${stepFolder(step)}.jsonl`);
  }

  /**
   * The manifest of a checkpoint whose files are all there: by their sizes, or by their digests too (`digests`: reads every byte).
   * Undefined when the checkpoint is missing or damaged. With `only`, the other files do not matter.
   */
  async checkpoint(step: number, check: 'sizes' | 'digests', only?: string): Promise<CheckpointManifest | undefined> {
    const folder = this.checkpointPath(step);
    try {
      const manifest = await readJsonIfThere<CheckpointManifest>(
        join(folder, 'manifest.json'),
        checkpointManifestSchema,
      );
      if (manifest === undefined || manifest.step !== step) return undefined;
      for (const [name, file] of Object.entries(manifest.files)) {
        if (only !== undefined && name !== only) continue;
        const path = join(folder, name);
        if ((await statOf(path))?.size !== file.bytes) return undefined;
        if (check === 'digests' && (await sha256OfFile(path)).sha256 !== file.sha256) return undefined;
      }
      return manifest;
    } catch (error) {
      if (error instanceof BadFile || hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** Step of the newest checkpoint whose files are all there; 0 = none. */
  async newestCheckpoint(): Promise<number> {
    for (const step of (await this.checkpointSteps()).reverse()) {
      if ((await this.checkpoint(step, 'sizes')) !== undefined) return step;
    }
    return 0;
  }
}

/** Files up to this size are read whole, which costs a quarter of reading them in pieces. */
const ONE_PIECE = 1 << 20;

/** Digest, size and line count of a file; a large one is read in pieces, so that the event loop goes on between them. */
export async function sha256OfFile(path: string): Promise<{ sha256: string; bytes: number; lines: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  let lines = 0;
  const take = (piece: Buffer) => {
    hash.update(piece);
    bytes += piece.length;
    for (let at = piece.indexOf(10); at !== -1; at = piece.indexOf(10, at + 1)) lines += 1;
  };
  if (((await statOf(path))?.size ?? 0) > ONE_PIECE) {
    for await (const piece of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) take(piece);
  } else take(isRemote(path) ? await readFile(path) : readFileSync(path));
  return { sha256: hash.digest('hex'), bytes, lines };
}

async function stepsIn(folder: string): Promise<number[]> {
  const names = await namesIn(folder);
  return names.flatMap((name) => stepOf(name) ?? []).sort((a, b) => a - b);
}
