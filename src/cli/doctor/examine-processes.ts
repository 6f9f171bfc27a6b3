import { join } from 'node:path';
import type { Store } from '../../artifacts/store.ts';
import { answers, embeddedFolder, runningEmbeddedServer } from '../../temporal/embedded-server.ts';
import { findTemporalCli, temporalServerVersion } from '../../temporal/temporal-cli.ts';
import { codeDigest } from '../code-digest.ts';
import { runningEmbeddedWorker, signOfLifeAgeMs, workerLog } from '../embedded-worker.ts';
import { connectIfUp, isEmbedded } from '../session.ts';
import type { Finding } from './examinations.ts';

const STALE_MS = 30_000;

/** The server and the worker of a store: up, down, hung, or of another version than the files. */
export async function* examineProcesses(store: Store): AsyncGenerator<Finding> {
  if (!isEmbedded(store)) {
    yield await examineForeignServer(store);
    return;
  }
  const server = runningEmbeddedServer(store.path);
  if (server === undefined) {
    yield { what: 'server', level: 'good', found: 'down; the next command that needs it starts it' };
  } else if (!(await answers(server))) {
    yield {
      what: 'server',
      level: 'bad',
      found: `pid ${server.pid} lives but does not answer at ${server.address}`,
      fix: `"lethe ui" ends it and starts it again on the same database; its log: ${join(embeddedFolder(store.path), 'server.log')}`,
    };
  } else {
    const version = temporalServerVersion(findTemporalCli());
    const other = version !== server.serverVersion;
    yield {
      what: 'server',
      level: other ? 'note' : 'good',
      found: `pid ${server.pid}, ${server.serverVersion}, ${server.address}, UI ${server.uiAddress}`,
      ...(other
        ? {
            fix: `version ${version} is installed: "lethe stop" and the next command starts it, with a database of its own; exported histories stay in the store`,
          }
        : {}),
    };
  }
  yield examineWorker(store, server !== undefined);
}

async function examineForeignServer(store: Store): Promise<Finding> {
  const connection = await connectIfUp(store);
  await connection?.close();
  const where = `${store.temporal.address} (namespace ${store.temporal.namespace})`;
  if (connection !== undefined) return { what: 'server', level: 'good', found: `${where} answers` };
  return {
    what: 'server',
    level: 'bad',
    found: `${where} does not answer`,
    fix: 'start it; when it is gone for good: "lethe store adopt --embedded"',
  };
}

function examineWorker(store: Store, serverIsUp: boolean): Finding {
  const worker = runningEmbeddedWorker(store.path);
  if (worker === undefined)
    return { what: 'worker', level: 'good', found: 'down; the next command that needs it starts it' };
  const age = signOfLifeAgeMs(store.path, worker);
  if (age > STALE_MS) {
    return {
      what: 'worker',
      level: 'bad',
      found: `pid ${worker.pid} lives but gave no sign of life for ${Math.round(age / 1000)} s`,
      fix: `"lethe stop", then "lethe resume SWEEP"; jobs keep what they have; its log: ${workerLog(store.path)}`,
    };
  }
  if (!serverIsUp) {
    return {
      what: 'worker',
      level: 'note',
      found: `pid ${worker.pid} waits for the server`,
      fix: '"lethe ui" starts the server',
    };
  }
  if (worker.codeDigest !== codeDigest()) {
    return {
      what: 'worker',
      level: 'note',
      found: `pid ${worker.pid} runs older code`,
      fix: 'the next "lethe run" or "lethe resume" starts it again',
    };
  }
  return { what: 'worker', level: 'good', found: `pid ${worker.pid}, since ${worker.startedAt}` };
}
