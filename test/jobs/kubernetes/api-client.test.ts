import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LauncherUnreachable } from '../../../src/jobs/job-launcher.ts';
import { ApiClient, ApiRefused } from '../../../src/jobs/kubernetes/api-client.ts';
import { FakeApiServer, type Fault, status } from './support/fake-api-server.ts';

const JOBS = '/apis/batch/v1/namespaces/lethe/jobs';

describe('requests to the API server', () => {
  let server: FakeApiServer;
  let client: ApiClient;
  beforeEach(async () => {
    server = await FakeApiServer.start();
    client = new ApiClient(server.connection, { callMs: 2_000, patienceMs: 5_000 });
  });
  afterEach(() => server.stop());

  /** The first requests meet these faults, the others none. */
  function faults(...list: readonly Fault[]): void {
    const left = [...list];
    server.fault = () => left.shift();
  }

  const busy = (headers: Record<string, string> = {}, code = 429): Fault => ({ kind: 'answer', status: code, headers });

  it.for([429, 500, 502, 503, 504])('asks again after an answer of %d', async (code) => {
    faults(busy({}, code));
    expect(await client.get(JOBS)).toMatchObject({ items: [] });
    expect(server.count('GET')).toBe(2);
  });

  it('gives up on a server that answers 500 for as long as it has patience, and says what it answered', async () => {
    server.fault = () => ({
      kind: 'answer',
      status: 500,
      text: JSON.stringify(status(500, 'InternalError', 'etcd is gone')),
    });
    const asked = new ApiClient(server.connection, { patienceMs: 1_000 }).get(JOBS);
    await expect(asked).rejects.toThrow(LauncherUnreachable);
    await expect(asked).rejects.toThrow(/500: etcd is gone/);
    expect(server.count('GET')).toBeGreaterThan(1);
  });

  it('does not ask before the time that Retry-After names', async () => {
    faults(busy({ 'retry-after': '3600' }));
    await expect(client.get(JOBS)).rejects.toThrow(LauncherUnreachable);
    expect(server.count('GET')).toBe(1);
  });

  it('takes silence, a broken connection and a closed port for unreachable', async () => {
    faults({ kind: 'silence' });
    await expect(client.get(JOBS)).rejects.toThrow(LauncherUnreachable);
    faults({ kind: 'reset' });
    await expect(client.get(JOBS)).rejects.toThrow(LauncherUnreachable);
    const { connection } = server;
    const elsewhere = new ApiClient({ ...connection, server: 'http://127.0.0.1:9' });
    await expect(elsewhere.get(JOBS)).rejects.toThrow(LauncherUnreachable);
  });

  it.for([401, 403])('concludes nothing from %d: it is about us, not about the job', async (code) => {
    server.fault = () => ({
      kind: 'answer',
      status: code,
      text: JSON.stringify(status(code, 'Forbidden', 'no such right')),
    });
    const asked = client.find(`${JOBS}/a`);
    await expect(asked).rejects.toThrow(LauncherUnreachable);
    await expect(asked).rejects.not.toBeInstanceOf(ApiRefused);
    await expect(asked).rejects.toThrow(/no such right/);
  });

  it('concludes nothing from the page of a proxy', async () => {
    faults({ kind: 'answer', status: 200, text: '<html>sign in</html>' });
    await expect(client.get(JOBS)).rejects.toThrow(/expected JSON/);
  });

  it('concludes nothing when the credentials cannot be had', async () => {
    const broken = { ...server.connection, requestOptions: () => Promise.reject(new Error('exec plugin failed')) };
    await expect(new ApiClient(broken).get(JOBS)).rejects.toThrow(/credentials .* exec plugin failed/);
  });

  it('tells an object that is not there from a server that is not', async () => {
    expect(await client.find(`${JOBS}/absent`)).toBeUndefined();
    faults({ kind: 'reset' });
    await expect(client.find(`${JOBS}/absent`)).rejects.toThrow(LauncherUnreachable);
  });

  it('gives a refusal with its status and the words of the server', async () => {
    server.put('jobs', { metadata: { name: 'a' } });
    const posted = client.call({ method: 'POST', path: JOBS, body: { metadata: { name: 'a' } } });
    await expect(posted).rejects.toMatchObject({ status: 409, reason: 'AlreadyExists' });
    expect(server.count('POST')).toBe(1);
  });
});
