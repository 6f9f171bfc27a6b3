import { afterAll, beforeAll } from 'vitest';
import { jobLauncherContract } from '../contract/job-launcher.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { KubernetesWorld } from './kubernetes-world.ts';
import { defineKueue } from './kueue/definitions.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
  await defineKueue(cluster);
});
afterAll(() => cluster?.stop());

jobLauncherContract('the Kubernetes launcher', { setup: (slots) => KubernetesWorld.create(cluster, { slots }) });
