import { createServer, type Server } from 'node:net';

/** Free loopback ports, all different: each wanted one where it is free (0 = any). */
export async function freePorts(wanted: readonly number[]): Promise<number[]> {
  const held = await Promise.all(wanted.map(async (port) => (await listen(port)) ?? (await listen(0))));
  const ports = held.map((server) => {
    const address = server?.address();
    if (address === null || typeof address !== 'object') throw new Error('no free loopback port on this machine');
    return address.port;
  });
  await Promise.all(held.map((server) => new Promise((resolve) => server!.close(resolve))));
  return ports;
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
