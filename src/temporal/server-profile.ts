import { loadClientConfigProfile, toClientOptions } from '@temporalio/envconfig';
import { messageOf } from '../experiment/message-of.ts';

/** How to log in at a server; both kinds of the SDK's connections take these. */
export type Login = Pick<ReturnType<typeof toClientOptions>['connectionOptions'], 'tls' | 'apiKey' | 'metadata'>;

/** Thrown when the user's Temporal profile cannot be used. */
export class BadServerProfile extends Error {
  override readonly name = 'BadServerProfile';
}

/**
 * TLS, API key and headers of the user's Temporal profile: $TEMPORAL_API_KEY, $TEMPORAL_TLS_*, $TEMPORAL_PROFILE and temporal.toml, as Temporal's own command
 * line reads them. An API key goes only where it belongs: to the address that the profile names or, when it names none, to any server but one of this machine.
 */
export function loginAt(address: string, environment: NodeJS.ProcessEnv = process.env): Login {
  let login: ReturnType<typeof toClientOptions>['connectionOptions'];
  try {
    // Its type knows no absent values, which a process's environment never has.
    login = toClientOptions(
      loadClientConfigProfile({ overrideEnvVars: environment as Record<string, string> }),
    ).connectionOptions;
  } catch (error) {
    const reason = messageOf(error);
    throw new BadServerProfile(
      `expected a usable Temporal profile ($TEMPORAL_PROFILE, temporal.toml, $TEMPORAL_TLS_*), got: ${reason}; "temporal config list" shows what there is`,
      { cause: error },
    );
  }
  const { tls, apiKey, metadata } = login;
  if (login.address === undefined ? isLoopback(address) : login.address !== address) return {};
  return {
    ...(tls !== undefined && { tls }),
    ...(apiKey !== undefined && { apiKey }),
    ...(metadata !== undefined && { metadata }),
  };
}

function isLoopback(address: string): boolean {
  return /^(127\.|localhost:|\[::1\])/.test(address);
}
