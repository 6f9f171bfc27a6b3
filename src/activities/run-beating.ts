import { ApplicationFailure, Context } from '@temporalio/activity';
import { runInThread } from './thread/run-in-thread.ts';

const BEAT_MS = 4_000;

/** Errors that say the same when tried again: what is on the disk is not what it should be. */
const LASTING = new Set([
  'BadFile',
  'BadTable',
  'BadScores',
  'InconsistentScores',
  'DatasetError',
  'TypeError',
  'RangeError',
]);

/** Runs a module in a thread while the activity heartbeats what it does; a cancellation ends the thread. */
export async function runBeating<Output>(module: URL, input: unknown, doing: string): Promise<Output> {
  const context = Context.current();
  const started = Date.now();
  const beat = () => context.heartbeat({ doing, seconds: Math.round((Date.now() - started) / 1_000) });
  beat();
  const timer = setInterval(beat, BEAT_MS);
  try {
    return await runInThread<Output>(module, input, context.cancellationSignal);
  } catch (error) {
    if (!(error instanceof Error) || !LASTING.has(error.name)) throw error;
    throw ApplicationFailure.create({ message: error.message, type: error.name, nonRetryable: true, cause: error });
  } finally {
    clearInterval(timer);
  }
}
