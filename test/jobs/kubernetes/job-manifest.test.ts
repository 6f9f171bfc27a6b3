import { describe, expect, it } from 'vitest';
import { parseClusterSettings, scaleOf } from '../../../src/jobs/kubernetes/cluster-settings.ts';
import { hashOf, jobManifest } from '../../../src/jobs/kubernetes/job-manifest.ts';
import { makeJobSpec } from '../../../src/jobs/make-job-spec.ts';
import { SPEC } from '../../artifacts/support/stage-world.ts';

const MINIMAL = { image: 'registry.example/lethe-trainer:1', store: { claim: 'lethe-store' } };

function setup(written: object = {}, resources = { cores: 2, memoryBytes: 3 * 2 ** 30, gpus: 0 }) {
  const settings = parseClusterSettings({ ...MINIMAL, ...written }, 'cluster.yaml');
  const spec = makeJobSpec({
    storeId: '0123456789abcdef0123456789abcdef',
    key: 'fedcba9876543210'.repeat(4),
    attempt: 2,
    stageFolder: `/store/stages/${'fedcba9876543210'.repeat(4)}`,
    trainer: ['/lethe-trainer'],
    flags: { microBatch: 8, accumulate: 4, recompute: false },
    resources,
    annotations: { sweep: 'Ünïcode~0123456789ab', stage: 'tiny: align' },
  });
  const scale = scaleOf(settings, SPEC.model);
  return { spec, request: { spec, namespace: 'lethe', settings, scale, storePath: '/store' } };
}

type Body = Record<string, never> & { spec: { template: { spec: Record<string, unknown> } } };
const podOf = (manifest: object) => (manifest as Body).spec.template.spec;

describe('the manifest of a Job', () => {
  it('is this one, byte for byte', async () => {
    const text = `${JSON.stringify(jobManifest(setup().request), null, 2)}\n`;
    await expect(text).toMatchFileSnapshot('../../fixtures/kubernetes/job.json');
  });

  it('has the same hash for the same request and another for any other', () => {
    const hash = hashOf(jobManifest(setup().request));
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(hashOf(jobManifest(setup().request))).toBe(hash);
    expect(hashOf(jobManifest(setup({ image: 'registry.example/other:1' }).request))).not.toBe(hash);
    expect(hashOf({ metadata: {} })).toBeUndefined();
  });

  it('is suspended at its creation where a queue decides when it runs', () => {
    const manifest = jobManifest(setup({ defaults: { queue: 'small' } }).request);
    expect(manifest).toMatchObject({
      metadata: { labels: { 'kueue.x-k8s.io/queue-name': 'small' } },
      spec: { suspend: true },
    });
  });

  it('asks for GPUs by the name of the settings, and bears the taint of their nodes', () => {
    const written = {
      defaults: { gpuResource: 'nvidia.com/mig-1g.10gb', runtimeClass: 'nvidia', nodeSelector: { gpu: 'a100' } },
    };
    const pod = podOf(jobManifest(setup(written, { cores: 1, memoryBytes: 2 ** 30, gpus: 2 }).request));
    expect(pod).toMatchObject({
      runtimeClassName: 'nvidia',
      nodeSelector: { gpu: 'a100' },
      tolerations: [{ key: 'nvidia.com/mig-1g.10gb', operator: 'Exists', effect: 'NoSchedule' }],
      containers: [{ resources: { limits: { 'nvidia.com/mig-1g.10gb': '2' } } }],
    });
  });

  it('keeps away from the node whose device failed, where there is another', () => {
    const pod = podOf(jobManifest({ ...setup().request, avoidNode: 'n1' }));
    const expression = { key: 'kubernetes.io/hostname', operator: 'NotIn', values: ['n1'] };
    expect(pod).toMatchObject({
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ preference: { matchExpressions: [expression] } }],
        },
      },
    });
  });

  it('gives pods one shape exactly when the scheduler cannot tell them apart', () => {
    const shape = (...args: Parameters<typeof setup>) => {
      const manifest = jobManifest(setup(...args).request) as unknown as {
        spec: { template: { metadata: { annotations: Record<string, string> } } };
      };
      return manifest.spec.template.metadata.annotations['lethe.dev/shape'];
    };
    expect(shape({ image: 'registry.example/other:1' })).toBe(shape());
    expect(shape({ defaults: { nodeSelector: { disk: 'fast' } } })).not.toBe(shape());
    expect(shape({}, { cores: 2, memoryBytes: 4 * 2 ** 30, gpus: 0 })).not.toBe(shape());
  });
});

describe('the settings of a cluster', () => {
  it('takes the smallest scale that holds a model, over the defaults', () => {
    const scales = [
      { upTo: '7B', queue: 'large', gpus: 8 },
      { upTo: 2_000, queue: 'tiny' },
    ];
    const settings = parseClusterSettings({ ...MINIMAL, defaults: { queue: 'any', cores: 3 }, scales }, 'cluster.yaml');
    expect(scaleOf(settings, SPEC.model)).toMatchObject({ queue: 'tiny', cores: 3 });
    expect(scaleOf(settings, { ...SPEC.model, width: 1024 })).toMatchObject({ queue: 'large', gpus: 8 });
    expect(scaleOf(settings, { ...SPEC.model, width: 2 ** 16 })).toMatchObject({ queue: 'any' });
  });

  it.for([
    [{ ...MINIMAL, image: undefined }, /cluster\.yaml: image/],
    [{ ...MINIMAL, defaults: { memory: '3 gigabytes' } }, /defaults\.memory: expected a size/],
    [{ ...MINIMAL, scales: [{ upTo: 'big' }] }, /scales\.0\.upTo/],
    [{ ...MINIMAL, imagePullpolicy: 'Never' }, /imagePullpolicy|Unrecognized/],
    [{ ...MINIMAL, user: 0 }, /user: expected/],
  ] as const)('names the field that is wrong in %j', ([written, expected]) => {
    expect(() => parseClusterSettings(written, 'cluster.yaml')).toThrow(expected);
  });
});
