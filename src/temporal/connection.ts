import { Client, Connection } from '@temporalio/client';
import { loginAt } from './server-profile.ts';

/** A client of one namespace of one server. Close it, or the process lingers. */
export interface Lethe {
  readonly client: Client;
  readonly address: string;
  readonly namespace: string;
  close(): Promise<void>;
}

export interface ServerAddress {
  /** `host:port` */
  readonly address: string;
  readonly namespace: string;
}

/** Thrown when no Temporal server answers at the address. */
export class ServerUnreachable extends Error {
  override readonly name = 'ServerUnreachable';
  readonly address: string;
  constructor(address: string, cause: unknown) {
    super(
      `expected a Temporal server at ${address}, nothing answered; start one (lethe ui), correct the address in store.json or, for a store in a cluster, say how this machine reaches it: --temporal HOST:PORT`,
      {
        cause,
      },
    );
    this.address = address;
  }
}

/** Connects within `timeoutMs`, with the login of the user's Temporal profile, or throws `ServerUnreachable` or `BadServerProfile`. */
export async function connect(server: ServerAddress, timeoutMs = 5_000): Promise<Lethe> {
  const login = loginAt(server.address);
  let connection: Connection;
  try {
    connection = await Connection.connect({ address: server.address, ...login, connectTimeout: timeoutMs });
  } catch (cause) {
    throw new ServerUnreachable(server.address, cause);
  }
  const client = new Client({ connection, namespace: server.namespace });
  return { client, ...server, close: () => connection.close() };
}
