import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { get } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { withEmbeddedLock } from './embedded-lock.ts';
import { freePorts } from './free-ports.ts';
import { endProcess, identify, isAlive, type ProcessIdentity } from './process-identity.ts';
import { findTemporalCli, temporalServerVersion } from './temporal-cli.ts';

/**
 * One detached Temporal dev server with UI per store. Its life:
 * - down: no record, or the recorded process is gone (killed, machine restarted). The next `ensureEmbeddedServer` starts it on the same database and, where they are
 *   still free, the same ports, so that links in a browser stay good.
 * - up: the recorded process lives and both ports answer.
 * - hung: it lives and does not answer for `HUNG_MS`; it is ended and started again, which the file database survives.
 * Two commands that find it down start one: the second waits for the first one's lock and takes its server.
 */
export interface EmbeddedServer extends ProcessIdentity {
  readonly format: 'lethe-server/1';
  /** gRPC, `127.0.0.1:PORT`. */
  readonly address: string;
  /** `http://127.0.0.1:PORT`. */
  readonly uiAddress: string;
  readonly metricsAddress: string;
  readonly cli: string;
  readonly serverVersion: string;
  readonly database: string;
  readonly startedAt: string;
}

export interface EnsureServerOptions {
  /** Told what takes a while. */
  readonly say?: (text: string) => void;
  readonly environment?: NodeJS.ProcessEnv;
}

const START_MS = 30_000;
const HUNG_MS = 10_000;
const STOP_MS = 10_000;
const LOG_LIMIT_BYTES = 10_000_000;

/** Folder of the embedded processes of a store: records, logs, the server's database. */
export function embeddedFolder(store: string): string {
  return join(store, 'embedded');
}

/** The store's server, when its process lives. */
export function runningEmbeddedServer(store: string): EmbeddedServer | undefined {
  const server = readRecord(store);
  return server !== undefined && isAlive(server) ? server : undefined;
}

/** The store's server, started when it was down. */
export async function ensureEmbeddedServer(store: string, options: EnsureServerOptions = {}): Promise<EmbeddedServer> {
  const running = runningEmbeddedServer(store);
  if (running !== undefined && (await answers(running))) return running;
  return withEmbeddedLock(embeddedFolder(store), START_MS + HUNG_MS + STOP_MS, async () => {
    const other = runningEmbeddedServer(store);
    if (other !== undefined) {
      if (await answersWithin(other, HUNG_MS)) return other;
      options.say?.(`the Temporal server (pid ${other.pid}) does not answer; starting it again`);
      await endProcess(other, STOP_MS);
    }
    return start(store, options);
  });
}

/** Ends the store's server. True when there was one. */
export async function stopEmbeddedServer(store: string): Promise<boolean> {
  const server = runningEmbeddedServer(store);
  if (server === undefined) return false;
  await endProcess(server, STOP_MS);
  return true;
}

/** True when the gRPC port accepts a connection and the UI answers. A stopped process accepts connections (the kernel does) and answers nothing. */
export async function answers(server: EmbeddedServer): Promise<boolean> {
  const reachable = await Promise.all([accepts(server.address), answersHttp(server.uiAddress)]);
  return reachable.every(Boolean);
}

async function start(store: string, { say, environment = process.env }: EnsureServerOptions): Promise<EmbeddedServer> {
  const cli = findTemporalCli(environment);
  const previous = readRecord(store);
  const serverVersion = temporalServerVersion(cli);
  say?.(`starting the Temporal server ${serverVersion} of this store`);
  let failure = '';
  for (let attempt = 1; attempt <= 3; attempt++) {
    const ports = await choosePorts(attempt === 1 ? previous : undefined);
    const server = launch(store, cli, serverVersion, ports, environment);
    if (await answersWithin(server, START_MS)) return server;
    failure = isAlive(server) ? `did not answer within ${START_MS / 1000} s` : 'ended at once';
    await endProcess(server, STOP_MS);
  }
  throw new Error(
    `the Temporal server (${cli}) ${failure}, three times. Its log: ${join(embeddedFolder(store), 'server.log')}`,
  );
}

interface Ports {
  readonly grpc: number;
  readonly ui: number;
  readonly http: number;
  readonly metrics: number;
}

function launch(
  store: string,
  cli: string,
  version: string,
  ports: Ports,
  environment: NodeJS.ProcessEnv,
): EmbeddedServer {
  const folder = embeddedFolder(store);
  mkdirSync(folder, { recursive: true });
  const database = join(folder, `temporal-${version}.sqlite`);
  const log = openLog(join(folder, 'server.log'));
  // Settings of the user's own Temporal profile (address, API key, TLS) are for other servers.
  const clean = Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('TEMPORAL_')));
  const child = spawn(
    cli,
    [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--ui-ip', '127.0.0.1'],
      ...['--port', String(ports.grpc), '--ui-port', String(ports.ui)],
      ...['--http-port', String(ports.http), '--metrics-port', String(ports.metrics)],
      ...['--db-filename', database, '--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
      ...['--log-level', 'warn', '--disable-config-env', '--disable-config-file'],
    ],
    { cwd: folder, detached: true, stdio: ['ignore', log, log], env: clean },
  );
  closeSync(log);
  child.on('error', () => {}); // Seen below: no pid.
  child.unref();
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity === undefined) throw new Error(`${cli} could not be started; expected an executable Temporal CLI`);
  const server: EmbeddedServer = {
    format: 'lethe-server/1',
    ...identity,
    address: `127.0.0.1:${ports.grpc}`,
    uiAddress: `http://127.0.0.1:${ports.ui}`,
    metricsAddress: `127.0.0.1:${ports.metrics}`,
    cli,
    serverVersion: version,
    database,
    startedAt: new Date().toISOString(),
  };
  // Recorded before it answers: whoever finds this command killed here finds its server too.
  const record = join(folder, 'server.json');
  writeFileSync(`${record}.${process.pid}`, `${JSON.stringify(server, null, 2)}\n`);
  renameSync(`${record}.${process.pid}`, record);
  return server;
}

function readRecord(store: string): EmbeddedServer | undefined {
  try {
    const record: EmbeddedServer = JSON.parse(readFileSync(join(embeddedFolder(store), 'server.json'), 'utf8'));
    return record.format === 'lethe-server/1' ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Opens a log for appending; one that has grown beyond the limit starts anew. */
export function openLog(file: string): number {
  try {
    if (statSync(file).size > LOG_LIMIT_BYTES) truncateSync(file);
  } catch {
    // Not there yet.
  }
  return openSync(file, 'a');
}

async function answersWithin(server: EmbeddedServer, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  while (Date.now() < deadline && isAlive(server)) {
    if (await answers(server)) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

async function choosePorts(previous: EmbeddedServer | undefined): Promise<Ports> {
  const wanted = previous === undefined ? [] : [portOf(previous.address), portOf(new URL(previous.uiAddress).host)];
  const [grpc, ui, http, metrics] = await freePorts([wanted[0] ?? 0, wanted[1] ?? 0, 0, 0]);
  return { grpc: grpc!, ui: ui!, http: http!, metrics: metrics! };
}

function accepts(hostAndPort: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: portOf(hostAndPort), timeout: 1000 });
    const finish = (reachable: boolean) => {
      socket.destroy();
      resolve(reachable);
    };
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
    socket.once('timeout', () => finish(false));
  });
}

function answersHttp(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(address, { timeout: 2000 }, (response) => {
      response.resume();
      resolve(true);
    });
    request.once('error', () => resolve(false));
    request.once('timeout', () => {
      request.destroy();
      resolve(false);
    });
  });
}

function portOf(hostAndPort: string): number {
  return Number(hostAndPort.slice(hostAndPort.lastIndexOf(':') + 1));
}
