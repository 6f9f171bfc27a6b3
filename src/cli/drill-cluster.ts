import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { NoStore, Store, type TemporalAddress } from '../artifacts/store.ts';
import type { WrittenSettings } from '../drill/drill-options.ts';
import { drillSweep } from '../drill/drill-sweep.ts';
import { MountedDrillStore } from '../drill/mounted-store.ts';
import { installQuietRuntime } from '../drill/quiet-runtime.ts';
import { DRILL_COLUMNS, drillCells, drillSummary } from '../drill/render-drill.ts';
import { isMissed } from '../drill/row-result.ts';
import { runDrill } from '../drill/run-drill.ts';
import { NoSuchRow, selectedRows } from '../drill/selected-rows.ts';
import { messageOf } from '../experiment/message-of.ts';
import { LauncherUnreachable } from '../jobs/job-launcher.ts';
import { ApiClient } from '../jobs/kubernetes/api-client.ts';
import { type ClusterSettings, parseClusterSettings } from '../jobs/kubernetes/cluster-settings.ts';
import { connectToCluster } from '../jobs/kubernetes/connect-to-cluster.ts';
import { missingRights } from '../jobs/kubernetes/missing-rights.ts';
import { NEEDED_RIGHTS } from '../jobs/kubernetes/needed-rights.ts';
import { connect } from '../temporal/connection.ts';
import { ensureEmbeddedServer, stopEmbeddedServer } from '../temporal/embedded-server.ts';
import { clusterFile } from './cluster-of-store.ts';
import { BadInput, EXIT, type ExitCode } from './exit-codes.ts';
import { listenForInterrupts } from './interrupt.ts';
import { storeFolder } from './project-folder.ts';
import { Output } from './terminal/output.ts';
import { renderTable } from './terminal/table.ts';

export interface DrillOptions {
  readonly store?: string;
  readonly cluster?: string;
  readonly namespace?: string;
  readonly only?: string;
  readonly parallel: number;
  readonly json?: boolean;
}

/** A drill's trainer is stopped within a second; whoever waits longer for it waits for nothing. */
const LONGEST_GRACE_SECONDS = 30;
const SERVER_NAMESPACE = 'lethe-drill';

/** `lethe drill`: the rows of the failure ledger that a namespace and the caller's rights allow. Removes what it made, however it ends. */
export async function drillCluster(options: DrillOptions): Promise<ExitCode> {
  const output = new Output(options);
  const rows = rowsOf(options.only);
  const mount = storeFolder(options.store);
  const { written, settings } = await settingsFor(options, mount);
  await requireMount(mount, settings);
  const connection = await connectToCluster(settings);
  const api = new ApiClient(connection);
  await requireRights(api);
  const folder = join(mount, `drill-${randomBytes(3).toString('hex')}`);
  installQuietRuntime();
  using interrupts = listenForInterrupts();
  const server = await serverFor(mount, (text) => output.say(text));
  try {
    await mkdir(folder);
    const lethe = await connect(server.temporal);
    const sweep = await drillSweep();
    const subPath = settings.store.subPath ?? '';
    const store = new MountedDrillStore({ folder, subPath, mount, temporal: server.temporal, sweep });
    output.say(`drill in namespace ${connection.namespace}, stores in ${folder}`);
    const parts = { sweep, store, connection, api, lethe, written };
    const results = await runDrill(parts, {
      rows,
      parallel: options.parallel,
      signal: interrupts.first,
      say: (text) => output.say(text),
      onResult: (result) => {
        output.record({ event: 'row', ...result });
        if (result.status === 'missed') for (const miss of result.misses) output.say(`${result.row}: ${miss}`);
      },
    });
    await lethe.close();
    for (const line of renderTable(DRILL_COLUMNS, results.map(drillCells), output.width)) output.line(line);
    output.line(`\n${drillSummary(results)}`);
    const missed = results.filter(isMissed).map(({ row }) => row);
    output.record({ event: 'end', rows: results.length, missed });
    if (interrupts.first.aborted) return EXIT.interrupted;
    return missed.length > 0 ? EXIT.incomplete : EXIT.done;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    await server.end();
  }
}

function rowsOf(only: string | undefined) {
  try {
    return selectedRows(only);
  } catch (error) {
    throw error instanceof NoSuchRow ? new BadInput(error.message) : error;
  }
}

/** The settings of `--cluster`, otherwise those that the store remembers; in the asked namespace. */
async function settingsFor(
  { cluster, namespace }: DrillOptions,
  mount: string,
): Promise<{ written: WrittenSettings; settings: ClusterSettings }> {
  const file = cluster ?? clusterFile(mount);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw new BadInput(
      `expected the settings of a cluster (docs/kubernetes.md), found none at ${file}: --cluster FILE`,
    );
  }
  const asked = parse(text) as Partial<WrittenSettings>;
  try {
    const checked = parseClusterSettings(asked, file);
    const graceSeconds = Math.min(checked.defaults.graceSeconds ?? LONGEST_GRACE_SECONDS, LONGEST_GRACE_SECONDS);
    const written = {
      ...(asked as WrittenSettings),
      ...(namespace !== undefined && { namespace }),
      defaults: { ...asked.defaults, graceSeconds, gpus: 0 },
      // One small model: what larger ones get is not asked for.
      scales: [],
    };
    return { written, settings: parseClusterSettings(written, file) };
  } catch (error) {
    throw new BadInput(messageOf(error));
  }
}

/** Without them no job would start, and every row would wait for nothing. */
async function requireRights(api: ApiClient): Promise<void> {
  const lacking = await missingRights(api, NEEDED_RIGHTS).catch((error: unknown) => {
    throw error instanceof LauncherUnreachable ? new BadInput(`the cluster cannot be asked: ${error.message}`) : error;
  });
  if (lacking.length === 0) return;
  throw new BadInput(
    `expected the rights that jobs need in namespace ${api.namespace}, this login lacks ${lacking.join(', ')}; k8s/base/role.yaml grants them`,
  );
}

/** The volume has to be here, and jobs have to be able to write into what is made in it. */
async function requireMount(mount: string, { user }: ClusterSettings): Promise<void> {
  await stat(mount).catch(() => {
    throw new BadInput(`expected the store's volume at ${mount}, as jobs see it; there is no such folder: --store DIR`);
  });
  const me = process.getuid?.() ?? user;
  if (me === user) return;
  if (me !== 0)
    throw new BadInput(
      `expected to run as user ${user}, who owns what jobs write (\`user\` of the settings); this is user ${me}`,
    );
  // Jobs are somebody else than root: what is made for them has to be open to them.
  process.umask(0);
}

interface DrillServer {
  readonly temporal: TemporalAddress;
  end(): Promise<void>;
}

/** The server that the store belongs to; for one with a server of its own, one of the drill's, so that no history is left there. */
async function serverFor(mount: string, say: (text: string) => void): Promise<DrillServer> {
  const temporal = await Store.open(mount).then(
    (store) => store.temporal,
    (error: Error) => {
      if (error instanceof NoStore) return undefined;
      throw error;
    },
  );
  if (temporal !== undefined && temporal.address !== 'embedded') return { temporal, end: async () => undefined };
  const folder = await mkdtemp(join(tmpdir(), 'lethe-drill-'));
  const end = async () => {
    await stopEmbeddedServer(folder);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const { address } = await ensureEmbeddedServer(folder, { say });
    return { temporal: { address, namespace: SERVER_NAMESPACE }, end };
  } catch (error) {
    await end();
    throw error;
  }
}
