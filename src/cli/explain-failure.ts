import { EXIT, type ExitCode } from './exit-codes.ts';

/** Errors whose message is written for the person who gave the input; they name what was expected and what came. */
const INPUT_ERRORS = new Set([
  'BadInput',
  'ModelCatalogError',
  'StoreOfAnotherServer',
  'NoCluster',
  'NoModel',
  'BadGguf',
  'NoTokenizer',
  'BadChatTemplate',
  'BadServerProfile',
  'BadSource',
  'TooFewExamples',
]);

/** Errors whose message says all there is to know: a stack trace would only hide it. */
const KNOWN_FAILURES = new Set([
  'TemporalCliMissing',
  'NamespaceNotReady',
  'ServerUnreachable',
  'ForwardFailed',
  'ServiceRefused',
  'ErrandFailed',
  'LauncherUnreachable',
  'BadTar',
  'WorkerKeepsEnding',
  'BadFile',
]);

/** The last words of a command that failed, and its exit code. */
export function explainFailure(error: unknown): { readonly text: string; readonly exitCode: ExitCode } {
  if (!(error instanceof Error)) return { text: `lethe: ${String(error)}`, exitCode: EXIT.failure };
  if (INPUT_ERRORS.has(error.name)) return { text: `lethe: ${error.message}`, exitCode: EXIT.badInput };
  if (KNOWN_FAILURES.has(error.name) || process.env.LETHE_DEBUG === undefined) {
    const hint = KNOWN_FAILURES.has(error.name) ? '' : '\nSet LETHE_DEBUG=1 to see where.';
    return { text: `lethe failed: ${error.message}${causes(error)}${hint}`, exitCode: EXIT.failure };
  }
  return { text: `lethe failed: ${error.stack ?? error.message}${causes(error)}`, exitCode: EXIT.failure };
}

function causes(error: Error): string {
  let text = '';
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) text += `\n  because: ${cause.message}`;
  return text;
}
