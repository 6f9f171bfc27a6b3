import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster } from './cluster.ts';
import { workloadJob } from './workload-job.ts';

const REFERENCE = 'localhost/lethe-trainer:test';
const root = join(import.meta.dirname, '..', '..');

interface PackedImage {
  readonly id: string;
  readonly bytes: number;
}

function pack(output: string): PackedImage {
  const script = join(root, 'scripts', 'images', 'trainer-image.mjs');
  return JSON.parse(execFileSync(process.execPath, [script, output, REFERENCE], { encoding: 'utf8' })) as PackedImage;
}

describe("the trainer's image, packed without a builder", () => {
  let folder: string;
  let image: PackedImage;
  let cluster: Cluster;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lethe-image-'));
    image = pack(join(folder, 'trainer.tar'));
    cluster = await startCluster({ images: [join(folder, 'trainer.tar')] });
  });
  afterAll(async () => {
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('is at most 50 MB and has the same id when it is packed again', () => {
    expect(image.bytes).toBeLessThanOrEqual(50_000_000);
    expect(pack(join(folder, 'again.tar'))).toEqual(image);
  });

  it('says its version from a Job within the restricted profile, under the id it was packed with', async () => {
    await cluster.kubectl(['create', 'namespace', 'training']);
    await cluster.kubectl(['label', 'namespace', 'training', 'pod-security.kubernetes.io/enforce=restricted']);
    const manifest = workloadJob({ name: 'version', namespace: 'training', image: REFERENCE, args: ['--version'] });
    await cluster.kubectl(['create', '-f', '-'], manifest);
    await cluster.kubectl(['wait', '-n', 'training', '--for=condition=Complete', '--timeout=60s', 'job/version']);
    const inPod = await cluster.kubectl(['logs', '-n', 'training', 'job/version']);
    const here = execFileSync(join(root, 'native', 'build', 'lethe-trainer'), ['--version'], { encoding: 'utf8' });
    expect(JSON.parse(inPod)).toEqual(JSON.parse(here));
    const imageId = 'jsonpath={.items[0].status.containerStatuses[0].imageID}';
    expect(await cluster.kubectl(['get', 'pods', '-n', 'training', '-o', imageId])).toBe(image.id);
  });
});
