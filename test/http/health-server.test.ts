import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HealthCheck, type HealthServer, startHealthServer } from '../../src/http/health-server.ts';

describe('the health server', () => {
  let server: HealthServer;
  let ailment: string | undefined;
  let checks: HealthCheck[];
  beforeEach(async () => {
    ailment = undefined;
    checks = [{ name: 'temporal' }, { name: 'store' }];
    server = await startHealthServer(
      { port: 0 },
      {
        ailment: () => ailment,
        checks: async () => checks,
        metrics: async () => {
          if (ailment !== undefined) throw new TypeError('/store/stages/secret');
          return 'lethe_jobs 1\n';
        },
      },
    );
  });
  afterEach(() => server.close());

  const get = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') };
  };

  it('is alive until only a new process helps', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
    ailment = 'the worker is failed';
    expect(await get('/healthz')).toMatchObject({ status: 503, text: 'the worker is failed\n' });
  });

  it('is ready when everything that it needs is there, and says what lacks', async () => {
    expect(await get('/readyz')).toMatchObject({ status: 200, text: 'temporal: ok\nstore: ok\n' });
    checks = [{ name: 'temporal', trouble: 'no answer within 2 s' }, { name: 'store' }];
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      text: 'temporal: no answer within 2 s\nstore: ok\n',
    });
  });

  it('tells metrics as text of Prometheus', async () => {
    expect(await get('/metrics')).toEqual({
      status: 200,
      text: 'lethe_jobs 1\n',
      type: 'text/plain; version=0.0.4; charset=utf-8',
    });
  });

  it('tells nothing else, and of an error its kind alone', async () => {
    expect(await get('/store/store.json')).toMatchObject({ status: 404 });
    expect(await get('/metrics', 'POST')).toMatchObject({ status: 405 });
    ailment = 'x';
    expect(await get('/metrics')).toMatchObject({ status: 500, text: 'TypeError\n' });
  });

  it('says which option helps when its port is taken', async () => {
    const sources = { ailment: () => undefined, checks: async () => [], metrics: async () => '' };
    await expect(startHealthServer({ port: server.port }, sources)).rejects.toThrow(/--metrics-port/);
  });
});
