import { join } from 'node:path';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { connect } from '../../src/temporal/connection.ts';
import { ensureNamespace, NamespaceNotReady } from '../../src/temporal/ensure-namespace.ts';
import { awaitSweep, startSweep } from '../../src/temporal/sweep-client.ts';
import { CERTIFICATES, startLoginGateway } from './login-gateway.ts';
import { NAMESPACE } from './namespace.ts';
import { eventually, quick, World } from './world.ts';

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closing.splice(0).reverse()) await close();
});

async function gateway(asks: Parameters<typeof startLoginGateway>[1]): Promise<string> {
  const { address, close } = await startLoginGateway(inject('temporalAddress'), asks);
  closing.push(close);
  return address;
}

/** What a person sets for a server of somebody else. */
function profile(values: Record<string, string>): void {
  vi.stubEnv('TEMPORAL_CONFIG_FILE', join(CERTIFICATES, 'no-such.toml'));
  vi.stubEnv('TEMPORAL_TLS_SERVER_CA_CERT_PATH', join(CERTIFICATES, 'authority.pem'));
  for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value);
}

async function lethe(address: string, namespace = NAMESPACE): Promise<Awaited<ReturnType<typeof connect>>> {
  const connected = await connect({ address, namespace }, 3_000);
  closing.push(() => connected.close());
  return connected;
}

describe('a server behind TLS that asks for a login', () => {
  it('carries a sweep to its end with the API key of the profile', async () => {
    const address = await gateway({ apiKey: 'the-key' });
    profile({ TEMPORAL_ADDRESS: address, TEMPORAL_API_KEY: 'the-key' });
    const world = await World.create(address);
    closing.push(() => world.end());
    await world.work();
    const { sweep } = await world.freeze();
    await startSweep(world.lethe, { ...sweep, schedule: quick });
    expect(await awaitSweep(world.lethe, sweep)).toMatchObject({ status: 'completed' });
  });

  it('takes a client certificate', async () => {
    const address = await gateway({ clientCertificate: true });
    profile({
      TEMPORAL_ADDRESS: address,
      TEMPORAL_TLS_CLIENT_CERT_PATH: join(CERTIFICATES, 'client.pem'),
      TEMPORAL_TLS_CLIENT_KEY_PATH: join(CERTIFICATES, 'client-key.pem'),
    });
    await ensureNamespace(await lethe(address));
  });

  it('says who was asked when the key is wrong', async () => {
    const address = await gateway({ apiKey: 'the-key' });
    profile({ TEMPORAL_ADDRESS: address, TEMPORAL_API_KEY: 'another' });
    await expect(lethe(address)).rejects.toThrow(address);
  });

  it('sends no key to a server that the profile does not name', async () => {
    const address = await gateway({ apiKey: 'the-key' });
    profile({ TEMPORAL_ADDRESS: 'elsewhere.example:7233', TEMPORAL_API_KEY: 'the-key' });
    await expect(lethe(address)).rejects.toThrow(address);
  });

  it('refuses a namespace that it may not make, by name', async () => {
    const address = await gateway({ apiKey: 'the-key' });
    profile({ TEMPORAL_ADDRESS: address, TEMPORAL_API_KEY: 'the-key' });
    await expect(ensureNamespace(await lethe(address, 'never-made'))).rejects.toThrow('namespace never-made');
  });

  it('names the search attributes that its operator must make', async () => {
    const namespace = 'without-attributes';
    const direct = await lethe(inject('temporalAddress'), namespace);
    await direct.client.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: 86_400 as unknown as Long },
    });
    const address = await gateway({ apiKey: 'the-key' });
    profile({ TEMPORAL_ADDRESS: address, TEMPORAL_API_KEY: 'the-key' });
    const through = await lethe(address, namespace);
    await eventually(async () => {
      const refusal = await ensureNamespace(through).catch((error: Error) => error);
      return refusal instanceof NamespaceNotReady && refusal.message.includes('--name LetheRuns --type KeywordList');
    }, 'the sentence that names them');
  });
});
