import { join } from 'node:path';
import type { z } from 'zod';
import { inputNameSchema } from '../experiment/input-manifests.ts';
import { readJson, readJsonIfThere } from './read-json.ts';
import { replaceFile } from './replace-file.ts';
import { namesIn } from './small-files.ts';

interface InputName {
  readonly name: string;
  readonly digest: string;
}

export interface NamedManifest<Manifest> {
  readonly name: string;
  readonly manifest: Manifest;
}

/** Thrown when a name is taken by other content. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken';
  readonly digest: string;

  constructor(name: string, digest: string) {
    super(`expected a name that is free, or of the same content; ${name} is ${digest.slice(0, 12)}`);
    this.digest = digest;
  }
}

/** Names of the folders of `models` or `data-sources`: `<parent>/names/<name>.json`. Plans hold digests, so a name may change its meaning later. */
export class InputNames {
  readonly #parent: string;

  constructor(parent: string) {
    this.#parent = parent;
  }

  /** Throws `NameTaken`, unless it may be replaced. */
  async give(name: string, digest: string, replace: boolean): Promise<void> {
    const before = await this.digestOf(name);
    if (before !== undefined && before !== digest && !replace) throw new NameTaken(name, before);
    await replaceFile(this.#path(name), `${JSON.stringify({ name, digest } satisfies InputName)}\n`);
  }

  async digestOf(name: string): Promise<string | undefined> {
    return (await readJsonIfThere<InputName>(this.#path(name), inputNameSchema))?.digest;
  }

  async all(): Promise<string[]> {
    return (await namesIn(join(this.#parent, 'names')))
      .filter((file) => /^[a-z0-9-]+\.json$/.test(file))
      .map((file) => file.slice(0, -'.json'.length))
      .sort();
  }

  /** The manifest behind a name; undefined when there is no such name. Throws `BadFile` when there is one and no folder. */
  async manifest<Manifest>(name: string, schema: z.ZodType): Promise<Manifest | undefined> {
    const digest = await this.digestOf(name);
    if (digest === undefined) return undefined;
    return readJson<Manifest>(join(this.#parent, digest, 'manifest.json'), schema);
  }

  /** All of them, in the order of their names. */
  async manifests<Manifest>(schema: z.ZodType): Promise<NamedManifest<Manifest>[]> {
    const found: NamedManifest<Manifest>[] = [];
    for (const name of await this.all()) {
      const manifest = await this.manifest<Manifest>(name, schema);
      if (manifest !== undefined) found.push({ name, manifest });
    }
    return found;
  }

  #path(name: string): string {
    return join(this.#parent, 'names', `${name}.json`);
  }
}
