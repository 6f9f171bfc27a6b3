import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { sendCommand } from './cluster-commands.ts';
import { clearFolder, endCluster, startKeeper } from './cluster-keeper.ts';
import { ClusterNode } from './cluster-node.ts';
import { type ClusterParts, clusterParts } from './cluster-parts.ts';
import { awaitReady } from './cluster-readiness.ts';
import { whyNoClusterHere } from './cluster-support.ts';
import { FAST_TIMINGS, SHORT_TIMINGS } from './cluster-timings.ts';
import { makeControlGroups } from './control-groups.ts';
import { ControlPlane } from './control-plane.ts';
import { kubectl } from './kubectl.ts';

/** The API server as the host, the `kubernetes` Service and the nodes reach it: what its certificate is valid for. */
const API_ADDRESSES = ['127.0.0.1', '10.96.0.1', '10.99.0.1'];

export interface ClusterOptions {
  /** Default 1. A node alone is never given up by Kubernetes: evictions need 2. */
  readonly nodes?: 1 | 2;
  /** Lost nodes are noticed sooner, at twice the idle CPU. Default false. */
  readonly fast?: boolean;
  /** `nvidia.com/gpu` that each node claims to have, though nothing is behind it. Default 2. */
  readonly gpus?: number;
  /** Image archives that every node gets, beside pause and workload. */
  readonly images?: readonly string[];
  /** Folder of the cluster; default a new one, removed by `stop`. It may be of a cluster that ended. */
  readonly folder?: string;
  /** Default true: the cluster ends with the process that started it, however that ends. */
  readonly leashed?: boolean;
}

/** A running Kubernetes in namespaces of its own. */
export interface Cluster {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly controlPlane: ControlPlane;
  /** Runs kubectl as administrator; resolves to its standard output, rejects with what it said. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Number from 1. */
  node(number: number): ClusterNode;
  /** Makes a port of this machine's loopback reachable from pods; resolves to the host:port that they dial. */
  hostService(port: number): Promise<string>;
  /** Ends everything of the cluster at once; resolves when no process, mount, control group or interface is left. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster and resolves once every node is ready, its GPUs are allocatable and Jobs can be created.
 * Throws a sentence where the machine cannot, or with the ends of the logs when it does not get ready.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { nodes = 1, fast = false, gpus = 2, images = [], leashed = true } = options;
  const obstacle = whyNoClusterHere();
  if (obstacle !== undefined) throw new Error(`no test cluster on this machine: ${obstacle}`);
  const parts = clusterParts();
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'lethe-cluster-')));
  await clearFolder(folder);
  for (const name of ['answers', 'images', 'logs', ...Array.from({ length: nodes }, (_, i) => `nodes/n${i + 1}`)])
    await mkdir(join(folder, name), { recursive: true });
  for (const image of images) await copyFile(image, join(folder, 'images', basename(image)));
  execFileSync(join(parts.programs, 'credentials'), [folder, 'https://10.99.0.1', String(nodes), ...API_ADDRESSES]);
  execFileSync('mkfifo', [join(folder, 'control')]);
  try {
    makeControlGroups(join(folder, 'groups'), `${basename(folder)}-${process.pid}`, nodes);
    startKeeper(folder, parts, fast ? FAST_TIMINGS : SHORT_TIMINGS, { nodes, leashed });
    await awaitReady(folder, nodes, gpus);
  } catch (error) {
    const logs = ['keeper', 'kube-apiserver', 'n1', 'kubelet-n1'].map((name) => endOf(join(folder, 'logs', name)));
    await endCluster(folder);
    const said = (error as Error).message;
    throw new Error(`the test cluster did not get ready: ${said} (logs in ${folder}/logs)\n${logs.join('\n')}`);
  }
  return attachCluster(folder, parts, { removeFolder: options.folder === undefined });
}

/** The cluster that was started in a folder. */
export function attachCluster(folder: string, parts: ClusterParts, { removeFolder = false } = {}): Cluster {
  return {
    folder,
    kubeconfig: join(folder, 'kubeconfig'),
    controlPlane: new ControlPlane(folder),
    node: (number) => new ClusterNode(folder, number),
    kubectl: (args, input) => kubectl(parts, folder, args, input),
    hostService: async (port) => {
      await sendCommand(folder, join(folder, 'control'), `host-service ${port}`);
      return `10.99.0.1:${port}`;
    },
    stop: async () => {
      await endCluster(folder);
      if (removeFolder) await rm(folder, { recursive: true, force: true });
    },
  };
}

function endOf(file: string): string {
  const text = existsSync(file) ? readFileSync(file, 'utf8').trimEnd() : 'was not started';
  return `── ${basename(file)}\n${text.split('\n').slice(-5).join('\n')}`;
}
