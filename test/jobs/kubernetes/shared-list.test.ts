import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient } from '../../../src/jobs/kubernetes/api-client.ts';
import { SharedList } from '../../../src/jobs/kubernetes/shared-list.ts';
import { FakeApiServer } from './support/fake-api-server.ts';

interface Word {
  readonly metadata: { readonly name: string; readonly uid: string; readonly labels?: Record<string, string> };
}

describe('words on jobs that wait', () => {
  let server: FakeApiServer;
  let list: SharedList<Word>;
  let ms: number;
  beforeEach(async () => {
    server = await FakeApiServer.start();
    ms = 0;
    const api = new ApiClient(server.connection, { callMs: 5_000, patienceMs: 0 });
    const path = `/apis/kueue.x-k8s.io/v1beta2/namespaces/${api.namespace}/workloads`;
    list = new SharedList<Word>(api, { path, keyOf: ({ metadata }) => metadata.labels?.job, now: () => ms });
  });
  afterEach(() => server.stop());

  const say = (count: number) => {
    for (let each = 0; each < count; each += 1)
      server.put('workloads', { metadata: { name: `w${each}`, labels: { job: `j${each}` } } });
  };

  it('are listed once for all jobs that ask at once', async () => {
    say(3);
    const told = await Promise.all(['j0', 'j1', 'j2', 'nobody'].map((job) => list.about(job)));
    expect(told.map((words) => words.map(({ metadata }) => metadata.name))).toEqual([['w0'], ['w1'], ['w2'], []]);
    expect(server.count('GET', '/workloads')).toBe(1);
  });

  it('are fresh within two seconds while few wait', async () => {
    await list.about('j0');
    say(1);
    expect(await list.about('j0')).toEqual([]);
    ms = 2_000;
    expect(await list.about('j0')).toHaveLength(1);
  });

  it('are asked for at most every half a minute when thousands wait, a page at a time', async () => {
    say(2_000);
    expect(await list.about('j1999')).toHaveLength(1);
    expect(server.count('GET', '/workloads')).toBe(4);
    ms = 29_999;
    await list.about('j0');
    expect(server.count('GET', '/workloads')).toBe(4);
    ms = 30_000;
    await list.about('j0');
    expect(server.count('GET', '/workloads')).toBe(8);
  });

  it('are asked for again soon after the server could not answer', async () => {
    server.fault = () => ({ kind: 'answer', status: 503 });
    await expect(list.about('j0')).rejects.toThrow(/503/);
    server.fault = () => undefined;
    say(1);
    ms = 2_000;
    expect(await list.about('j0')).toHaveLength(1);
  });
});
