import { join } from 'node:path';
import { replaceFile } from '../../artifacts/replace-file.ts';
import { namesIn } from '../../artifacts/small-files.ts';

/** Shapes of which a pod had its place once. The store remembers them as empty files, because the pod and the worker that saw it are gone long before the place is. */
export class FittedShapes {
  readonly #folder: string;
  readonly #shapes = new Set<string>();
  #loaded: Promise<void> | undefined;

  constructor(storePath: string) {
    this.#folder = join(storePath, 'fitted-shapes');
  }

  /** What earlier workers saw. A folder that cannot be read is asked for again the next time. */
  async load(): Promise<void> {
    this.#loaded ??= namesIn(this.#folder).then((names) => {
      for (const name of names) this.#shapes.add(name);
    });
    await this.#loaded.catch(() => {
      this.#loaded = undefined;
    });
  }

  has(shape: string): boolean {
    return this.#shapes.has(shape);
  }

  add(shape: string): void {
    if (this.#shapes.has(shape)) return;
    this.#shapes.add(shape);
    // Lost by a full disk it costs a parked stage at worst, which "lethe retry" opens again.
    void replaceFile(join(this.#folder, shape), '').catch(() => undefined);
  }
}
