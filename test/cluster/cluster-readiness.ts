import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiServer, withServer } from './api-server.ts';
import { isUp } from './cluster-keeper.ts';

const READY_WITHIN_MS = 120_000;

interface Node {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly capacity?: Readonly<Record<string, string>>;
    readonly allocatable?: Readonly<Record<string, string>>;
  };
}

/** Waits until Jobs can be created and every node is ready with its GPUs allocatable; writes the kubeconfig on the way. */
export async function awaitReady(folder: string, nodes: number, gpus: number): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  let last = 'no API server yet';
  const until = async (holds: () => Promise<boolean>) => {
    for (;;) {
      try {
        if (await holds()) return;
      } catch (error) {
        last = (error as Error).message;
      }
      if (!isUp(folder)) throw new Error('its first process ended');
      if (Date.now() > deadline) throw new Error(`after ${READY_WITHIN_MS / 1000} s: ${last}`);
      await sleep(50);
    }
  };
  const address = join(folder, 'api-address');
  await until(async () => existsSync(address));
  const server = `https://${readFileSync(address, 'utf8')}`;
  const admin = await readFile(join(folder, 'admin.kubeconfig'), 'utf8');
  await writeFile(join(folder, 'kubeconfig'), withServer(admin, server), { mode: 0o600 });

  const api = new ApiServer(join(folder, 'kubeconfig'));
  // Pods need the account that a controller makes; without it the first Job of a fast test would be refused.
  await until(async () => {
    const { status } = await api.ask('/api/v1/namespaces/default/serviceaccounts/default');
    last = `service account default: ${status}`;
    return status === 200;
  });
  await until(async () => {
    const { body } = await api.ask('/api/v1/nodes');
    const items = (body as { items?: readonly Node[] }).items ?? [];
    for (const node of items) if (gpus > 0 && gpusOf(node.status?.capacity) !== gpus) await giveGpus(api, node, gpus);
    const ready = items.filter((node) => isReady(node) && gpusOf(node.status?.allocatable) === gpus);
    last = `${ready.length} of ${nodes} nodes ready, with ${gpus} GPUs allocatable`;
    return ready.length === nodes;
  });
}

function isReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

function gpusOf(resources: Readonly<Record<string, string>> | undefined): number {
  return Number(resources?.['nvidia.com/gpu'] ?? 0);
}

/** What a device plugin would report. Kubelet leaves capacities that it does not know of as they are, and copies them to allocatable. */
async function giveGpus(api: ApiServer, node: Node, gpus: number): Promise<void> {
  const resources = ['capacity', 'allocatable'].filter((field) => node.status?.[field as 'capacity'] !== undefined);
  const patch = resources.map((field) => ({
    op: 'add',
    path: `/status/${field}/nvidia.com~1gpu`,
    value: String(gpus),
  }));
  await api.ask(`/api/v1/nodes/${node.metadata.name}/status`, patch);
}
