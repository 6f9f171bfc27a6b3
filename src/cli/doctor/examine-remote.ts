import { messageOf } from '../../experiment/message-of.ts';
import { missingRights } from '../../jobs/kubernetes/missing-rights.ts';
import type { Right } from '../../jobs/kubernetes/needed-rights.ts';
import { connect } from '../../temporal/connection.ts';
import type { RemoteWay, StoreAnswer } from '../access/remote-access.ts';
import { formatBytes } from '../terminal/duration.ts';
import type { Finding } from './examinations.ts';
import { examineObjects, examineServer, orUnknown } from './examine-cluster.ts';
import { examineImage } from './examine-image.ts';

/** What docs/operations.md asks of who works from his own machine; more than that a command names when it lacks it. */
const CALLER_RIGHTS: readonly Right[] = [
  { verb: 'list', group: '', resource: 'pods' },
  { verb: 'get', group: '', resource: 'pods/portforward' },
  { verb: 'create', group: '', resource: 'pods/portforward' },
];
/** The command line in a pod of k8s/base. */
const IN_POD = 'deploy/lethe-worker -- /lethe/node_modules/node/bin/node /lethe/src/cli/main.ts';
/** Where the probe mounts the volume, which it does not look at. */
const PROBED_AT = '/store';

/** A store in a volume of a cluster, as far as it can be seen without the volume. What only the volume shows is examined beside it, and the last finding says how. */
export async function* examineRemote(way: RemoteWay, probe: boolean): AsyncGenerator<Finding> {
  const { api, remembered } = way;
  const reached = await examineServer(api);
  yield reached;
  if (reached.level === 'bad') return;
  yield* orUnknown('rights', () => examineCaller(way));
  const told = await way.http.json<StoreAnswer>('/store').catch((error: unknown) => messageOf(error));
  if (typeof told === 'string') {
    const fix = `kubectl -n ${api.namespace} get pods; docs/operations.md installs a worker`;
    yield { what: 'worker', level: 'bad', found: `does not answer: ${told}`, fix };
  } else {
    const found = `shows store ${told.id.slice(0, 6)}, ${formatBytes(told.freeBytes)} free`;
    yield { what: 'worker', level: 'good', found };
    yield await examineTemporal(remembered.temporal ?? told.temporal.address, told.temporal.namespace);
    const { jobs } = told;
    if (jobs !== null) yield* examineObjects(api, jobs);
    if (jobs !== null && probe) yield* orUnknown('image', () => examineImage(api, jobs, PROBED_AT, probe));
  }
  const fix = `kubectl -n ${api.namespace} exec ${IN_POD} doctor`;
  const inside = 'owner, disk, files, image and Jobs left behind are looked at beside the volume';
  yield { what: 'store', level: 'note', found: `pvc:${remembered.claim}: ${inside}`, fix };
}

async function examineCaller({ api }: RemoteWay): Promise<Finding> {
  const missing = await missingRights(api, CALLER_RIGHTS);
  if (missing.length === 0) return { what: 'rights', level: 'good', found: 'to find the worker and speak to it' };
  const fix = `have them granted in namespace ${api.namespace} (docs/operations.md, "Running a sweep")`;
  return { what: 'rights', level: 'bad', found: `lacks ${missing.join(', ')}`, fix };
}

async function examineTemporal(address: string, namespace: string): Promise<Finding> {
  const where = `${address} (namespace ${namespace})`;
  try {
    const lethe = await connect({ address, namespace });
    await lethe.close();
    return { what: 'server', level: 'good', found: `${where} answers` };
  } catch (error) {
    const fix = '--temporal HOST:PORT as this machine reaches it; a port-forward to the frontend makes one';
    return { what: 'server', level: 'bad', found: `${where}: ${messageOf(error)}`, fix };
  }
}
