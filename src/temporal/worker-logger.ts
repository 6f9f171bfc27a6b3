import type { Logger, LogLevel, LogMetadata } from '@temporalio/worker';
import { pino } from 'pino';

const LEVELS: Readonly<Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/** What Temporal tells beside the message that a reader can act on; the rest (task tokens, native handles) is noise. */
const FIELDS = ['workflowType', 'workflowId', 'runId', 'activityType', 'activityId', 'attempt', 'taskQueue', 'error'];

/** The worker's log: one JSON line a record, on standard output. Never example text. */
export function workerLogger(level: 'trace' | 'debug' | 'info' | 'warn' | 'error' = 'info'): Logger {
  const output = pino.destination({ fd: 1, sync: true });
  // A record that the disk has no room for is lost; the worker, whose jobs are in the same trouble, must not end with it.
  output.on('error', () => {});
  const target = pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, output);
  const log = (at: LogLevel, message: string, meta: LogMetadata = {}) => {
    const kept = Object.fromEntries(
      FIELDS.flatMap((name) => (meta[name] === undefined ? [] : [[name, said(meta[name])]])),
    );
    const own = Object.fromEntries(
      OWN_FIELDS.flatMap((name) => (meta[name] === undefined ? [] : [[name, meta[name]]])),
    );
    target[LEVELS[at]]({ ...own, ...kept }, message);
  };
  return {
    log,
    trace: (message, meta) => log('TRACE', message, meta),
    debug: (message, meta) => log('DEBUG', message, meta),
    info: (message, meta) => log('INFO', message, meta),
    warn: (message, meta) => log('WARN', message, meta),
    error: (message, meta) => log('ERROR', message, meta),
  };
}

/** What Lethe itself attaches. */
const OWN_FIELDS = ['sweep', 'stage', 'run', 'job', 'class', 'rule', 'step', 'store', 'slots'];

function said(value: unknown): unknown {
  return value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value;
}
