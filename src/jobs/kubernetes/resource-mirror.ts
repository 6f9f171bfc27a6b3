import { Latch, pause } from '../latch.ts';
import { type ApiClient, ApiRefused } from './api-client.ts';
import type { ClusterObject } from './cluster-objects.ts';

export interface MirrorOptions<T> {
  /** `/apis/batch/v1/namespaces/NAMESPACE/jobs` */
  readonly path: string;
  readonly selector: string;
  /** An object came, changed or went. */
  readonly onChange: (object: T) => void;
  /** After each whole list. */
  readonly onListed?: () => void;
  /** The server ends each watch after so long, and everything is listed again: no miss lasts longer. */
  readonly relistSeconds?: number;
  /** For a test. */
  readonly slackMs?: number;
}

interface List<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

const RELIST_SECONDS = 60;
/** Beyond the end that the server promised for a watch. */
const SLACK_MS = 15_000;
const PAGE = 500;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** A watch that held for so long is no sign of trouble when it ends. */
const SETTLED_MS = 5_000;
const REMEMBERED = 2_000;

/**
 * A copy of one kind of our objects, kept up by one list and one watch for all jobs of a worker. It only ever shortens the way: what it does not have, and whatever
 * would end an attempt, is asked of the server itself. `isLive` is false from a broken connection until the next whole list.
 */
export class ResourceMirror<T extends ClusterObject> {
  private readonly api: ApiClient;
  private readonly options: MirrorOptions<T>;
  private readonly objects = new Map<string, T>();
  /** The last state of those that are gone, newest last. */
  private readonly departed = new Map<string, T>();
  private readonly over = new AbortController();
  private readonly firstList = new Latch<true>();
  private live = false;
  private running = false;

  constructor(api: ApiClient, options: MirrorOptions<T>) {
    this.api = api;
    this.options = options;
  }

  get isLive(): boolean {
    return this.live;
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    void this.keep();
  }

  close(): void {
    this.over.abort();
    this.live = false;
  }

  /** Resolves with the first whole list, or after `ms`. */
  async ready(ms: number): Promise<void> {
    this.start();
    await this.firstList.wait(ms, this.over.signal);
  }

  get(name: string): T | undefined {
    return this.objects.get(name);
  }

  all(): Iterable<T> {
    return this.objects.values();
  }

  gone(): Iterable<T> {
    return this.departed.values();
  }

  private async keep(): Promise<void> {
    const { signal } = this.over;
    for (let step = FIRST_PAUSE_MS; !signal.aborted; ) {
      let watched = performance.now();
      try {
        const version = await this.list();
        this.live = true;
        this.firstList.open(true);
        this.options.onListed?.();
        watched = performance.now();
        await this.watch(version);
      } catch (error) {
        const expired = error instanceof ApiRefused && error.status === 410;
        if (!expired) this.live = false;
      }
      // A watch that never holds must not make a list of everything out of every failure.
      if (performance.now() - watched > SETTLED_MS) step = FIRST_PAUSE_MS;
      else {
        await pause(step * (0.5 + Math.random()), signal);
        step = Math.min(2 * step, LONGEST_PAUSE_MS);
      }
    }
  }

  private async list(): Promise<string> {
    const { path, selector } = this.options;
    const found = new Map<string, T>();
    for (let page = ''; ; ) {
      const query = { labelSelector: selector, limit: String(PAGE), ...(page !== '' && { continue: page }) };
      const { metadata, items } = await this.api.get<List<T>>(path, query);
      for (const item of items) found.set(item.metadata.name, item);
      page = metadata.continue ?? '';
      if (page !== '') continue;
      for (const object of [...this.objects.values()]) if (!found.has(object.metadata.name)) this.drop(object);
      for (const object of found.values()) this.keepObject(object);
      return metadata.resourceVersion;
    }
  }

  private async watch(resourceVersion: string): Promise<void> {
    const { path, selector, relistSeconds = RELIST_SECONDS, slackMs = SLACK_MS } = this.options;
    const query = { labelSelector: selector, resourceVersion, timeoutSeconds: String(relistSeconds) };
    const limits = { silenceMs: relistSeconds * 1_000 + slackMs, signal: this.over.signal };
    const apply = ({ type, object }: { type: string; object: unknown }) => {
      if (type === 'DELETED') this.drop(object as T);
      else if (type !== 'BOOKMARK') this.keepObject(object as T);
    };
    await this.api.watch(path, query, apply, limits);
  }

  private keepObject(object: T): void {
    const known = this.objects.get(object.metadata.name);
    this.objects.set(object.metadata.name, object);
    if (known?.metadata.resourceVersion !== object.metadata.resourceVersion) this.options.onChange(object);
  }

  private drop(object: T): void {
    this.objects.delete(object.metadata.name);
    this.departed.delete(object.metadata.name);
    this.departed.set(object.metadata.name, object);
    for (const oldest of this.departed.keys()) {
      if (this.departed.size <= REMEMBERED) break;
      this.departed.delete(oldest);
    }
    this.options.onChange(object);
  }
}
