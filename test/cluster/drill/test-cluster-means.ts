import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterMeans, Undo } from '../../../src/drill/cluster-means.ts';
import type { Cluster } from '../cluster.ts';

/** Of `n2`: the node that a test cluster can lose. */
const LOSABLE = 2;
/** More than any pod of a drill may have. */
const EATEN_BYTES = 2 ** 30;

/** What a drill does to a test cluster as its owner. */
export class TestClusterMeans implements ClusterMeans {
  readonly losableNode = `n${LOSABLE}`;
  readonly otherNode = 'n1';
  readonly smallVolume: string;
  private readonly cluster: Cluster;

  constructor(cluster: Cluster, smallVolume: string) {
    this.cluster = cluster;
    this.smallVolume = smallVolume;
  }

  async killKubelet(): Promise<Undo> {
    await this.node.stopService('kubelet');
    return async () => {
      await this.node.startService('kubelet');
      await this.ready();
    };
  }

  async cutNetwork(): Promise<Undo> {
    await this.node.netDown();
    return async () => {
      await this.node.netUp();
      await this.ready();
    };
  }

  async cutPower(): Promise<Undo> {
    await this.node.kill();
    return async () => {
      await this.node.start();
      await this.ready();
    };
  }

  async removeNode(): Promise<Undo> {
    await this.cluster.kubectl(['delete', 'node', this.losableNode, '--wait=false']);
    return async () => {
      // Only a kubelet that starts makes itself known.
      await this.node.stopService('kubelet');
      await this.node.startService('kubelet');
      await this.ready();
    };
  }

  async freeze(podUid: string): Promise<Undo> {
    await this.signal(podUid, 'STOP');
    return () => this.signal(podUid, 'CONT');
  }

  async slowDown(podUid: string): Promise<void> {
    const folders = `find /sys/fs/cgroup -type d -path '*cpu*' -name 'pod${podUid}' | while read f; do [ -w "$f/cpu.cfs_quota_us" ] && echo 5000 >"$f/cpu.cfs_quota_us" && echo "$f"; done; :`;
    const found = await this.node.run('sh', '-c', folders);
    if (found.trim() === '') throw new Error(`expected the control group of pod ${podUid} on ${this.losableNode}`);
  }

  async eatMemory(podUid: string): Promise<Undo> {
    const file = `/run/eaten-${podUid}`;
    // Bytes of a tmpfs count for the control group of who wrote them, and no kill frees them: the kernel takes the largest program of the group, which is the trainer.
    const eat = `echo $$ >"$0/cgroup.procs"; exec head -c ${EATEN_BYTES} /dev/zero >${file}`;
    const limits = `find /sys/fs/cgroup -path '*memory*' -path '*pod${podUid}/*' -name memory.limit_in_bytes`;
    // Of the two containers of a pod, pause has no limit of its own.
    const each = `[ "$(cat "$f")" -lt ${EATEN_BYTES} ] && sh -c '${eat}' "\${f%/*}" && echo fits`;
    const found = await this.node.run('sh', '-c', `${limits} | while read f; do ${each}; done; :`);
    if (found.trim() !== '') throw new Error(`expected ${EATEN_BYTES} bytes to be too many for pod ${podUid}`);
    return async () => {
      await this.node.run('rm', '-f', file);
    };
  }

  async stopApiServer(): Promise<Undo> {
    await this.cluster.controlPlane.stop('kube-apiserver');
    return async () => {
      await this.cluster.controlPlane.start('kube-apiserver');
      for (const part of ['kube-controller-manager', 'kube-scheduler'] as const) {
        // After an outage they back off for a minute; started again they work at once.
        await this.cluster.controlPlane.stop(part);
        await this.cluster.controlPlane.start(part);
      }
      for (const deadline = Date.now() + 60_000; ; await sleep(250)) {
        const answer = await this.cluster.kubectl(['get', '--raw', '/readyz']).catch((error: Error) => error.message);
        if (answer === 'ok') return;
        if (Date.now() > deadline) throw new Error(`expected the API server to be ready within 60 s: ${answer}`);
      }
    };
  }

  private get node() {
    return this.cluster.node(LOSABLE);
  }

  private async ready(): Promise<void> {
    for (const deadline = Date.now() + 90_000; ; await sleep(250)) {
      const wait = ['wait', `node/${this.losableNode}`, '--for=condition=Ready=True', '--timeout=5s'];
      const said = await this.cluster.kubectl(wait).catch((error: Error) => error);
      if (!(said instanceof Error)) return;
      if (Date.now() > deadline) throw said;
    }
  }

  /** To each process of a pod but pause, which holds its namespaces. */
  private async signal(podUid: string, signal: 'STOP' | 'CONT'): Promise<void> {
    const find = `for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/environ | grep -q '^POD_UID=${podUid}$' && kill -${signal} "\${p#/proc/}"; done`;
    // Processes come and go while it looks.
    await this.node.run('sh', '-c', `{ ${find}; } 2>/dev/null; :`);
  }
}
