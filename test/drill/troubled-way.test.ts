import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TroubledWay } from '../../src/drill/troubled-way.ts';
import { LauncherUnreachable } from '../../src/jobs/job-launcher.ts';
import { ApiClient } from '../../src/jobs/kubernetes/api-client.ts';

describe('a way with trouble on it', () => {
  let server: Server;
  let way: TroubledWay;
  let api: ApiClient;
  let asked: { readonly authorization: string | undefined; readonly body: string }[];
  beforeEach(async () => {
    asked = [];
    server = createServer(async (request, answer) => {
      let body = '';
      for await (const piece of request) body += piece;
      asked.push({ authorization: request.headers.authorization, body });
      answer.end('{"gitVersion":"v1"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const requestOptions = async () => ({ headers: { authorization: 'Bearer of-the-caller' } });
    way = await TroubledWay.open({ server: address, namespace: 'n', requestOptions });
    api = new ApiClient(way.connection, { callMs: 300, patienceMs: 0 });
  });
  afterEach(async () => {
    await way.close();
    server.closeAllConnections();
    server.close();
  });

  it('passes what is asked on, with the credentials of the caller', async () => {
    await api.call({ method: 'POST', path: '/a', body: { x: 1 } });
    expect(asked).toEqual([{ authorization: 'Bearer of-the-caller', body: '{"x":1}' }]);
  });

  it.each(['down', 'silent', 'slow', 429, 500, 410] as const)(
    'keeps the server out of reach when it is %s',
    async (trouble) => {
      way.set(trouble);
      await expect(api.get('/version')).rejects.toThrow(LauncherUnreachable);
      way.set('none');
      expect(await api.get('/version')).toEqual({ gitVersion: 'v1' });
    },
  );
});
