import { describe, expect, it } from 'vitest';
import type { Job, Pod } from '../../../src/jobs/kubernetes/cluster-objects.ts';
import { podEvidence } from '../../../src/jobs/kubernetes/pod-evidence.ts';
import { type AttemptEnd, classify } from '../../../src/recovery/classify.ts';
import { ended } from './support/cluster-world.ts';

const FAILED = { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' } as const;
const job = (conditions: readonly object[] = [FAILED]): Job =>
  ({ metadata: { name: 'j', uid: 'u' }, spec: {}, status: { conditions } }) as Job;

function pod(status: object, metadata: object = {}): Pod {
  return { metadata: { name: 'j-x1', uid: 'p', ...metadata }, spec: { nodeName: 'n1' }, status } as Pod;
}

/** The class of an attempt that left no word of its own. */
function classOf(
  pods: readonly Pod[],
  {
    there = job(),
    stopped = false,
    end = { kind: 'ended' },
  }: { there?: Job | undefined; stopped?: boolean; end?: AttemptEnd } = {},
): string {
  const platform = podEvidence({ job: there, pods, events: [], stopped });
  return classify({ end, platform, done: false }).failure ?? 'none';
}

const disrupted = (reason: string, status: object) => ({
  ...status,
  conditions: [{ type: 'DisruptionTarget', status: 'True', reason, message: 'the cluster said so' }],
});

describe('how a pod ended, and the class of its attempt', () => {
  it.for([
    ['out-of-memory', 'its memory limit', pod(ended(137, 'OOMKilled'))],
    ['out-of-memory', 'code 80', pod(ended(80))],
    ['data', 'code 65', pod(ended(65))],
    ['missing-input', 'code 66', pod(ended(66))],
    ['device', 'code 69', pod(ended(69))],
    ['crash', 'code 70', pod(ended(70))],
    ['io', 'code 74', pod(ended(74))],
    ['preempted', 'code 75 that nobody asked for', pod(ended(75))],
    ['config', 'code 78', pod(ended(78))],
    ['diverged', 'code 81', pod(ended(81))],
    ['crash', 'an unknown code', pod(ended(3))],
    ['crash', 'SIGKILL from outside', pod(ended(137))],
    ['crash', 'SIGSEGV', pod(ended(139))],
    ['crash', 'code 0 without a word', pod(ended(0, 'Completed'))],
    ['preempted', 'an eviction through the API', pod(disrupted('EvictionByEvictionAPI', ended(137)))],
    ['preempted', 'a preemption', pod(disrupted('PreemptionByScheduler', ended(143)))],
    ['preempted', 'a tainted node', pod(disrupted('DeletionByTaintManager', { phase: 'Running' }))],
    [
      'preempted',
      'an eviction by its node',
      pod({ ...ended(137), reason: 'Evicted', message: 'low on ephemeral-storage' }),
    ],
    ['preempted', 'a node that was started again', pod(ended(255, 'Unknown'))],
    [
      'preempted',
      'its deletion by hand past its grace',
      pod(ended(137), { deletionTimestamp: '2026-01-02T03:04:05Z' }),
    ],
  ] as const)('%s: %s', ([failure, _what, each]) => {
    expect(classOf([each])).toBe(failure);
  });

  it('preempted: its Job was deleted', () => {
    const end = { kind: 'lost', reason: 'deleted' } as const;
    const platform = podEvidence({ job: undefined, pods: [], events: [], stopped: false });
    expect(classify({ end, platform, done: false }).failure).toBe('preempted');
    const known = podEvidence({ job: undefined, pods: [pod(ended(137))], events: [], stopped: false });
    expect(known).toMatchObject({ preempted: true });
  });

  it('preempted: its node is lost while it runs as far as anyone knows', () => {
    expect(classOf([pod({ phase: 'Running' })], { there: job([]), end: { kind: 'lost', reason: 'silent' } })).toBe(
      'preempted',
    );
  });

  it('not preempted when we stopped it, whatever took it away', () => {
    const evicted = pod(disrupted('EvictionByEvictionAPI', ended(137)));
    expect(podEvidence({ job: undefined, pods: [evicted], events: [], stopped: true })).toMatchObject({
      preempted: false,
    });
  });

  it('goes by the newest pod: those before it were replaced', () => {
    const first = pod(disrupted('EvictionByEvictionAPI', ended(75)), {
      name: 'j-a',
      creationTimestamp: '2026-01-01T00:00:00Z',
    });
    const second = pod(ended(65), { name: 'j-b', creationTimestamp: '2026-01-02T00:00:00Z' });
    expect(classOf([second, first])).toBe('data');
    const { events } = podEvidence({ job: job(), pods: [second, first], events: [], stopped: false });
    expect(events[0]).toBe(
      'pod j-a on n1: Error, exit code 75; taken away: EvictionByEvictionAPI: the cluster said so',
    );
    expect(events[1]).toBe('pod j-b on n1: Error, exit code 65');
    expect(events.at(-1)).toBe('Job Failed: BackoffLimitExceeded');
  });

  it('gives the termination message as the last words, and the node', () => {
    const platform = podEvidence({
      job: job(),
      pods: [pod(ended(65, 'Error', { message: 'expected 3 rows, got 2\n' }))],
      events: [],
      stopped: false,
    });
    expect(platform).toMatchObject({ exitCode: 65, lastWords: 'expected 3 rows, got 2', node: 'n1' });
    expect(classify({ end: { kind: 'ended' }, platform, done: false }).sentence).toBe('expected 3 rows, got 2');
  });

  it('says the digest of the image that ran', () => {
    const containerStatuses = [{ state: { terminated: { exitCode: 0, reason: 'Completed' } }, imageID: 'sha256:abc' }];
    const { events, image } = podEvidence({
      job: job([]),
      pods: [pod({ phase: 'Succeeded', containerStatuses })],
      events: [],
      stopped: false,
    });
    expect(events).toEqual(['pod j-x1 on n1: Completed, exit code 0; image sha256:abc']);
    expect(image).toBe('sha256:abc');
  });

  it('keeps warnings in their order and leaves out routine', () => {
    const event = (type: string, reason: string, lastTimestamp: string, count = 1) => ({
      metadata: { name: reason, uid: reason },
      type,
      reason,
      message: 'm',
      lastTimestamp,
      count,
    });
    const events = [
      event('Warning', 'BackOff', '2026-01-02T00:00:00Z', 4),
      event('Normal', 'Pulled', '2026-01-01T12:00:00Z'),
      event('Warning', 'FailedMount', '2026-01-01T00:00:00Z'),
    ];
    const told = podEvidence({ job: job([]), pods: [], events, stopped: false }).events;
    expect(told.slice(0, 2)).toEqual(['FailedMount: m', 'BackOff: m (4 times)']);
  });
});
