// npm run cluster:up [-- --nodes 1|2] [--gpus N] [--fast] · cluster:down · cluster:status (by way of scripts/cluster.mjs): one cluster that stands until it is taken down.
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { attachCluster, startCluster } from './cluster.ts';
import { endCluster, isUp } from './cluster-keeper.ts';
import { clusterParts } from './cluster-parts.ts';
import { whyNoClusterHere } from './cluster-support.ts';

const VERBS = {
  async check(): Promise<void> {
    const obstacle = whyNoClusterHere();
    if (obstacle !== undefined) throw new Error(`no test cluster on this machine: ${obstacle}`);
  },

  async up(): Promise<void> {
    const { values } = parseArgs({
      args: process.argv.slice(3),
      options: {
        nodes: { type: 'string', default: '2' },
        gpus: { type: 'string', default: '2' },
        fast: { type: 'boolean', default: false },
      },
    });
    if (values.nodes !== '1' && values.nodes !== '2') throw new Error(`--nodes: expected 1 or 2, got ${values.nodes}`);
    const { standing } = clusterParts();
    if (isUp(standing))
      throw new Error('the cluster is up already: `npm run cluster:status` shows it, cluster:down ends it');
    const started = Date.now();
    const cluster = await startCluster({
      nodes: values.nodes === '1' ? 1 : 2,
      gpus: Number(values.gpus),
      fast: values.fast,
      folder: standing,
      leashed: false,
    });
    console.log(`${values.nodes} nodes ready in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    console.log(`export KUBECONFIG=${cluster.kubeconfig}`);
    console.log(`kubectl: ${clusterParts().kubernetes}/kubectl`);
  },

  async down(): Promise<void> {
    const { standing } = clusterParts();
    const started = Date.now();
    const up = isUp(standing);
    await endCluster(standing);
    console.log(up ? `ended in ${((Date.now() - started) / 1000).toFixed(1)} s` : 'no cluster was up');
  },

  async status(): Promise<void> {
    const parts = clusterParts();
    if (!existsSync(parts.standing) || !isUp(parts.standing)) {
      console.log('down');
      return;
    }
    const cluster = attachCluster(parts.standing, parts);
    console.log(`up: export KUBECONFIG=${cluster.kubeconfig}`);
    const gpus = 'GPUS:.status.allocatable.nvidia\\.com/gpu';
    const columns = `NODE:.metadata.name,READY:.status.conditions[?(@.type=="Ready")].status,${gpus}`;
    process.stdout.write(await cluster.kubectl(['get', 'nodes', '-o', `custom-columns=${columns}`]));
    process.stdout.write(await cluster.kubectl(['get', 'jobs,pods', '--all-namespaces']));
  },
} as const;

try {
  const verb = process.argv[2] ?? '';
  if (!(verb in VERBS)) throw new Error(`expected up, down, status or check, got "${verb}"`);
  await VERBS[verb as keyof typeof VERBS]();
} catch (error) {
  console.error(`✘ ${(error as Error).message}`);
  process.exitCode = 2;
}
