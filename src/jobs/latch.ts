import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A thing that happens once. Unlike a promise it forgets those who gave up waiting, so that a job of days may be waited for every second.
 */
export class Latch<T> {
  private happened: { readonly value: T } | undefined;
  private readonly waiters = new Set<() => void>();

  get value(): T | undefined {
    return this.happened?.value;
  }

  /** The first call counts. */
  open(value: T): void {
    if (this.happened !== undefined) return;
    this.happened = { value };
    for (const wake of this.waiters) wake();
    this.waiters.clear();
  }

  /** Resolves when it has happened, after `ms`, or when `signal` fires, whichever is first; with the value when it has happened. */
  async wait(ms: number, signal?: AbortSignal): Promise<T | undefined> {
    if (this.happened === undefined && !signal?.aborted && ms > 0) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.waiters.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const timer = ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(wake, ms);
        this.waiters.add(wake);
        signal?.addEventListener('abort', wake);
      });
    }
    return this.value;
  }
}

/** Resolves after `ms` or when `signal` fires. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted || ms <= 0) return;
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}
