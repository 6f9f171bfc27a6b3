import type { ApiClient } from './api-client.ts';
import type { ClusterObject } from './cluster-objects.ts';

export interface SharedListOptions<T> {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Whom an object is about. */
  readonly keyOf: (object: T) => string | undefined;
  /** For a test. */
  readonly now?: () => number;
}

interface Page<T> {
  readonly metadata: { readonly continue?: string };
  readonly items: readonly T[];
}

const PAGE = 500;
/** A list of so many objects is asked for again after a second: the price of knowing grows with what waits, and its freshness gives way. */
const OBJECTS_A_SECOND = 50;
const FRESHEST_MS = 2_000;
const OLDEST_MS = 30_000;

/**
 * Words on jobs that wait, for all of them at once: thousands may wait, and each is looked at every few seconds. One list answers them all, kept for 2 to 30
 * seconds by its length.
 */
export class SharedList<T extends ClusterObject> {
  private readonly api: ApiClient;
  private readonly options: SharedListOptions<T>;
  private last: { readonly at: number; readonly byKey: Promise<ReadonlyMap<string, readonly T[]>> } | undefined;
  private keptMs = FRESHEST_MS;

  constructor(api: ApiClient, options: SharedListOptions<T>) {
    this.api = api;
    this.options = options;
  }

  /** Rejects as the list did, for all who asked meanwhile. */
  async about(key: string): Promise<readonly T[]> {
    const now = (this.options.now ?? Date.now)();
    if (this.last === undefined || now - this.last.at >= this.keptMs) {
      this.last = { at: now, byKey: this.list() };
    }
    return (await this.last.byKey).get(key) ?? [];
  }

  private async list(): Promise<ReadonlyMap<string, readonly T[]>> {
    const { path, query, keyOf } = this.options;
    const byKey = new Map<string, T[]>();
    let count = 0;
    for (let page: string | undefined = ''; page !== undefined; ) {
      const asked: Record<string, string> = { ...query, limit: String(PAGE), ...(page !== '' && { continue: page }) };
      const { metadata, items }: Page<T> = await this.api.get<Page<T>>(path, asked);
      for (const item of items) {
        const key = keyOf(item);
        if (key === undefined) continue;
        const known = byKey.get(key);
        if (known === undefined) byKey.set(key, [item]);
        else known.push(item);
      }
      count += items.length;
      page = metadata.continue || undefined;
    }
    this.keptMs = Math.min(OLDEST_MS, Math.max(FRESHEST_MS, (count / OBJECTS_A_SECOND) * 1_000));
    return byKey;
  }
}
