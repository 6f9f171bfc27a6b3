import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient } from '../../../src/jobs/kubernetes/api-client.ts';
import type { ClusterObject } from '../../../src/jobs/kubernetes/cluster-objects.ts';
import { ResourceMirror } from '../../../src/jobs/kubernetes/resource-mirror.ts';
import { FakeApiServer } from './support/fake-api-server.ts';

const labels = { app: 'ours' };

/** Bounds a failure; nothing here is timed. */
const poll = <T>(look: () => T) => expect.poll(look, { timeout: 20_000, interval: 10 });

describe('the mirror of one kind of objects', () => {
  let server: FakeApiServer;
  let mirror: ResourceMirror<ClusterObject>;
  const changes: string[] = [];
  beforeEach(async () => {
    changes.length = 0;
    server = await FakeApiServer.start();
  });
  afterEach(async () => {
    mirror.close();
    await server.stop();
  });

  function start(times: { readonly relistSeconds?: number; readonly slackMs?: number } = {}): void {
    mirror = new ResourceMirror(new ApiClient(server.connection, { callMs: 5_000, patienceMs: 0 }), {
      path: '/api/v1/namespaces/lethe/pods',
      selector: 'app=ours',
      onChange: ({ metadata }) => changes.push(metadata.name),
      ...times,
    });
    mirror.start();
  }

  const put = (name: string, more: object = {}) => server.put('pods', { metadata: { name, labels }, ...more });
  const sees = (expected: boolean, name: string) => poll(() => mirror.get(name) !== undefined).toBe(expected);
  const watches = () => server.asked.filter(({ watch }) => watch).length;

  it('has what was there, what comes and what changes, of ours alone', async () => {
    put('before');
    server.put('pods', { metadata: { name: 'theirs' } });
    start();
    await mirror.ready(20_000);
    await poll(watches).toBe(1);
    put('after');
    await sees(true, 'after');
    put('before', { status: { phase: 'Running' } });
    await poll(() => mirror.get('before')).toMatchObject({ status: { phase: 'Running' } });
    expect(mirror.get('theirs')).toBeUndefined();
    expect(changes).toEqual(['before', 'after', 'before']);
  });

  it('keeps the last state of an object that went', async () => {
    put('a', { status: { phase: 'Failed' } });
    start();
    await sees(true, 'a');
    await poll(watches).toBe(1);
    server.remove('pods', 'a');
    await sees(false, 'a');
    expect([...mirror.gone()]).toMatchObject([{ metadata: { name: 'a' }, status: { phase: 'Failed' } }]);
  });

  it('is not live from a broken watch to the next list, which shows what it missed', async () => {
    put('gone');
    start();
    await poll(watches).toBe(1);
    server.fault = () => ({ kind: 'reset' });
    server.breakWatches();
    await poll(() => mirror.isLive).toBe(false);
    server.remove('pods', 'gone');
    put('new');
    server.fault = () => undefined;
    await sees(true, 'new');
    expect(mirror.get('gone')).toBeUndefined();
    expect(mirror.isLive).toBe(true);
  });

  it('lists again when the server has forgotten where the watch began', async () => {
    let expired = 0;
    server.fault = ({ watch }) => {
      if (!watch || ++expired > 1) return undefined;
      const object = { code: 410, message: 'too old resource version' };
      return { kind: 'answer', status: 200, text: `${JSON.stringify({ type: 'ERROR', object })}\n` };
    };
    start();
    await poll(watches).toBe(2);
    put('a');
    await sees(true, 'a');
  });

  it('does not list again and again when no watch is granted', async () => {
    server.fault = ({ watch }) => (watch ? { kind: 'answer', status: 403 } : undefined);
    start();
    await sleep(1_500);
    expect(server.count('GET')).toBeLessThan(6);
    expect(mirror.isLive).toBe(false);
  });

  it('notices a watch that says nothing any more', async () => {
    start({ relistSeconds: 0, slackMs: 200 });
    await poll(watches).toBeGreaterThan(1);
  });
});
