import type { Command } from 'commander';
import { MAX_PARALLEL } from '../../experiment/sweep-control.ts';
import { exitsWith, makeCommand } from '../command.ts';
import { BadInput, EXIT, type ExitCode } from '../exit-codes.ts';
import type { WorkerOptions } from '../run-worker.ts';
import { portNumber, wholeNumber } from '../whole-number.ts';

export function workerCommand(): Command {
  const command = makeCommand({
    usage: 'worker',
    description:
      "Work for a store in the foreground (the store's own worker is started by itself: you need this with a server of yours)",
    examples: ['lethe worker --store /data/lethe', 'lethe worker --store /data/lethe --slots 4'],
  })
    .option('--store <folder>', 'the store (default: $LETHE_STORE, or .lethe in the project folder)')
    .option('--slots <count>', 'jobs at once on this machine (default: by cores and memory)')
    .option('--on <place>', 'where jobs run: local (processes of this machine) or kubernetes (default: as before)')
    .option('--cluster <file>', 'with --on kubernetes: settings of the cluster (default: those of before)')
    .option('--address <host:port>', 'server (default: $LETHE_TEMPORAL_ADDRESS, or the one of store.json)')
    .option('--create', 'make the store where there is none, for the server of --address')
    .option('--namespace <name>', 'with --create: of the server (default: $LETHE_TEMPORAL_NAMESPACE, or lethe)')
    .option('--metrics-port <port>', 'tell health and metrics there (default: $LETHE_METRICS_PORT, or nowhere)')
    .option(
      '--metrics-host <address>',
      'address for it; * = all, as a pod needs (default: $LETHE_METRICS_HOST, or 127.0.0.1)',
    )
    .option(
      '--activity-slots <count>',
      'jobs watched at once (default: $LETHE_ACTIVITY_SLOTS, or 600, in a cluster 2600)',
    )
    .option('--serve <port>', 'show the store, read-only, on this port of loopback: what --store pvc:NAME speaks to')
    .option('--embedded', "as the store's own worker: ends itself and the server after an hour without anything to do")
    .option('--idle-minutes <minutes>', 'with --embedded: how long (default: $LETHE_IDLE_MINUTES, or 60)');
  return command.action(exitsWith(work));
}

interface GivenOptions
  extends Omit<WorkerOptions, 'slots' | 'serve' | 'idleMs' | 'health' | 'activitySlots' | 'collector'> {
  readonly slots?: string;
  readonly serve?: string;
  readonly idleMinutes?: string;
  readonly metricsPort?: string;
  readonly metricsHost?: string;
  readonly activitySlots?: string;
}

async function work(given: GivenOptions): Promise<ExitCode> {
  const { slots, serve, idleMinutes, metricsPort, metricsHost, activitySlots, ...options } = given;
  const idle = idleMinutes ?? (process.env.LETHE_IDLE_MINUTES || '60');
  const minutes = Number(idle);
  if (!(minutes > 0)) throw new BadInput(`--idle-minutes: expected a number above 0, got "${idle}"`);
  const count = slots === undefined ? undefined : wholeNumber('--slots', slots, 1);
  const port = serve === undefined ? undefined : portNumber('--serve', serve);
  const { LETHE_TEMPORAL_ADDRESS, LETHE_TEMPORAL_NAMESPACE, LETHE_OTLP_URL } = process.env;
  const server = {
    ...(LETHE_TEMPORAL_ADDRESS && { address: LETHE_TEMPORAL_ADDRESS }),
    ...(LETHE_TEMPORAL_NAMESPACE && { namespace: LETHE_TEMPORAL_NAMESPACE }),
  };
  const { runWorker } = await import('../run-worker.ts');
  // A worker that a program started, with a channel, is of no use without it; jobs run on.
  if (process.connected) process.once('disconnect', () => process.exit(EXIT.failure));
  await runWorker({
    ...server,
    ...options,
    idleMs: minutes * 60_000,
    ...healthOf(metricsPort, metricsHost),
    ...slotsOf(activitySlots),
    ...(LETHE_OTLP_URL && { collector: LETHE_OTLP_URL }),
    ...(count === undefined ? {} : { slots: count }),
    ...(port === undefined ? {} : { serve: port }),
  });
  return EXIT.done;
}

function healthOf(
  port = process.env.LETHE_METRICS_PORT || undefined,
  host = process.env.LETHE_METRICS_HOST || undefined,
): Pick<WorkerOptions, 'health'> {
  if (port === undefined) return {};
  return { health: { port: portNumber('--metrics-port', port), ...(host !== undefined && { host }) } };
}

/** Fewer than one sweep may have in flight, and some of its jobs would stand still without a word. */
function slotsOf(count = process.env.LETHE_ACTIVITY_SLOTS || undefined): Pick<WorkerOptions, 'activitySlots'> {
  if (count === undefined) return {};
  return { activitySlots: wholeNumber('--activity-slots', count, MAX_PARALLEL + 1) };
}
