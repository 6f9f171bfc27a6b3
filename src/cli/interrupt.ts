/**
 * Ctrl-C while a sweep is followed: the first press detaches, a second one while the farewell is shown stops everything. Who signals a whole process group without
 * a terminal reaches this process twice, the second time by `bin/lethe`: two within `SAME_PRESS_MS` are one press. SIGTERM and SIGHUP detach as well.
 */
const SAME_PRESS_MS = 250;

export interface Interrupts extends Disposable {
  /** Fires at the first press. */
  readonly first: AbortSignal;
  /** Fires at the second press. */
  readonly second: AbortSignal;
}

export function listenForInterrupts(now: () => number = Date.now): Interrupts {
  const first = new AbortController();
  const second = new AbortController();
  let last = Number.NEGATIVE_INFINITY;
  const press = () => {
    const time = now();
    const repeated = time - last < SAME_PRESS_MS;
    last = time;
    if (repeated) return;
    if (!first.signal.aborted) first.abort();
    else second.abort();
  };
  const leave = () => first.abort();
  // `bin/lethe` cannot pass a SIGKILL on: when it is gone, nobody reads what is written here.
  const startedBy = Number(process.env.LETHE_STARTED_BY);
  const orphaned = setInterval(() => startedBy > 0 && process.ppid !== startedBy && leave(), 500).unref();
  process.on('SIGINT', press);
  process.on('SIGTERM', leave);
  process.on('SIGHUP', leave);
  return {
    first: first.signal,
    second: second.signal,
    [Symbol.dispose]() {
      clearInterval(orphaned);
      process.off('SIGINT', press);
      process.off('SIGTERM', leave);
      process.off('SIGHUP', leave);
    },
  };
}
