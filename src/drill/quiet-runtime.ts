import { makeTelemetryFilterString, Runtime } from '@temporalio/worker';

/**
 * Drops what the workers of a drill have to say: failures are what it makes, and its table tells of them. Ctrl-C is the drill's: its workers are stopped when their
 * rows are cleared away. The SDK's native side would write to stdout, between the lines of --json. Once a process, before anything else of the SDK.
 */
export function installQuietRuntime(): void {
  const drop = () => undefined;
  const logger = { log: drop, trace: drop, debug: drop, info: drop, warn: drop, error: drop };
  const logging = { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) };
  Runtime.install({ logger, telemetryOptions: { logging }, shutdownSignals: [] });
}
