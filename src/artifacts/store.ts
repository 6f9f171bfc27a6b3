import { randomBytes } from 'node:crypto';
import { isAbsolute, join, resolve } from 'node:path';
import { syncFolder } from './publish.ts';
import { publishJson, readJsonIfThere } from './read-json.ts';
import { replaceFile } from './replace-file.ts';
import { storeSchema } from './schemas.ts';
import { namesIn } from './small-files.ts';
import { StageFolder } from './stage-folder.ts';

/** The Temporal server and namespace whose workers may write into a store. */
export interface TemporalAddress {
  readonly address: string;
  readonly namespace: string;
}

interface StoreRecord {
  readonly format: 'lethe-store/1';
  readonly id: string;
  readonly temporal: TemporalAddress;
}

/** Thrown when a folder is no store yet. */
export class NoStore extends Error {
  override readonly name = 'NoStore';
}

/** Thrown when a store belongs to another Temporal server: two servers would each run its stages, unaware of the other. */
export class StoreOfAnotherServer extends Error {
  override readonly name = 'StoreOfAnotherServer';
}

/** The folder that holds everything a plan leaves behind, and the paths in it (docs/formats.md). It holds no state of its own: two objects on one path agree. */
export class Store {
  readonly path: string;
  readonly id: string;
  readonly temporal: TemporalAddress;

  private constructor(path: string, record: StoreRecord) {
    this.path = path;
    this.id = record.id;
    this.temporal = record.temporal;
  }

  /** Opens the store at `path`, made with a random id when there is none. A store that exists keeps its id and its server. */
  static async create(path: string, temporal: TemporalAddress): Promise<Store> {
    const root = resolve(path);
    const there = await readJsonIfThere<StoreRecord>(join(root, 'store.json'), storeSchema);
    if (there !== undefined) return new Store(root, there);
    const record: StoreRecord = { format: 'lethe-store/1', id: randomBytes(16).toString('hex'), temporal };
    const { value } = await publishJson(join(root, 'store.json'), record, storeSchema);
    return new Store(root, value);
  }

  /** Opens a store that exists. Throws `NoStore` otherwise. */
  static async open(path: string): Promise<Store> {
    const root = resolve(path);
    const record = await readJsonIfThere<StoreRecord>(join(root, 'store.json'), storeSchema);
    if (record === undefined) throw new NoStore(`${root}: expected a Lethe store, got a folder without store.json`);
    return new Store(root, record);
  }

  /** Throws `StoreOfAnotherServer` when the store belongs to a server or namespace other than `temporal`. */
  requireServer(temporal: TemporalAddress): void {
    if (temporal.address === this.temporal.address && temporal.namespace === this.temporal.namespace) return;
    throw new StoreOfAnotherServer(
      `${this.path}: expected a store of ${temporal.address} (namespace ${temporal.namespace}), got one of ${this.temporal.address} ` +
        `(namespace ${this.temporal.namespace}); when that server is gone for good: lethe store adopt`,
    );
  }

  /** Gives the store to another server. Only for a person who knows that no worker of the old one is left. */
  async adopt(temporal: TemporalAddress): Promise<Store> {
    const record: StoreRecord = { format: 'lethe-store/1', id: this.id, temporal };
    await replaceFile(join(this.path, 'store.json'), `${JSON.stringify(record)}\n`);
    await syncFolder(this.path);
    return new Store(this.path, record);
  }

  /** First six hex digits of the id: enough to tell the stores of one machine or namespace apart in names. */
  get shortId(): string {
    return this.id.slice(0, 6);
  }

  stage(key: string): StageFolder {
    requireName(key, /^[0-9a-f]{64}$/, 'a stage key of 64 hex digits');
    return new StageFolder(this, key);
  }

  /** Keys of all stages that have a folder. */
  async stageKeys(): Promise<string[]> {
    return (await namesIn(join(this.path, 'stages'))).filter((name) => /^[0-9a-f]{64}$/.test(name)).sort();
  }

  get stagesPath(): string {
    return join(this.path, 'stages');
  }

  dataPath(digest: string): string {
    requireName(digest, /^[0-9a-f]{64}$/, 'a data digest of 64 hex digits');
    return join(this.path, 'data', digest);
  }

  modelPath(name: string): string {
    requireName(name, /^[a-z0-9][a-z0-9._-]*$/, 'a model name in lower case');
    return join(this.path, 'models', name);
  }

  /** `id` = `<name>~<plan12>` (`sweepId`). */
  sweepPath(id: string): string {
    requireName(id, /^[A-Za-z0-9][A-Za-z0-9._-]*~[0-9a-f]{12}$/, 'a sweep id <name>~<plan12>');
    return join(this.path, 'sweeps', id);
  }

  async sweepIds(): Promise<string[]> {
    return (await namesIn(join(this.path, 'sweeps'))).filter((name) => /~[0-9a-f]{12}$/.test(name)).sort();
  }
}

/** Names become paths: whatever comes from outside must not leave the store. */
function requireName(name: string, pattern: RegExp, expected: string): void {
  if (pattern.test(name) && !isAbsolute(name) && !name.includes('..')) return;
  throw new RangeError(`expected ${expected}, got ${JSON.stringify(name)}`);
}
