import { readFileSync } from 'node:fs';
import { request } from 'node:https';

/** What is read of a kubeconfig as `credentials` writes it. */
interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { server: string; readonly 'certificate-authority-data': string } }[];
  readonly users: readonly { readonly user: { readonly token: string } }[];
}

/** Answer of the API server: status and the JSON in it. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Asks the API server without a process a question, which is what makes waiting for a cluster cheap. */
export class ApiServer {
  private readonly server: string;
  private readonly authority: Buffer;
  private readonly token: string;

  constructor(kubeconfig: string) {
    const config = JSON.parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const cluster = config.clusters[0]!.cluster;
    this.server = cluster.server;
    this.authority = Buffer.from(cluster['certificate-authority-data'], 'base64');
    this.token = config.users[0]!.user.token;
  }

  /** `patch` is a JSON patch. Rejects when the server is not reached within five seconds. */
  ask(path: string, patch?: unknown): Promise<ApiAnswer> {
    return new Promise((resolve, reject) => {
      const sent = request(
        new URL(path, this.server),
        {
          ca: this.authority,
          method: patch === undefined ? 'GET' : 'PATCH',
          headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json-patch+json' },
          timeout: 5_000,
        },
        (answer) => {
          let text = '';
          answer.on('data', (chunk) => {
            text += chunk;
          });
          answer.on('error', reject);
          answer.on('end', () => {
            const json = answer.headers['content-type']?.startsWith('application/json');
            resolve({ status: answer.statusCode ?? 0, body: json ? JSON.parse(text) : text });
          });
        },
      );
      sent.on('error', reject);
      sent.on('timeout', () => sent.destroy(new Error(`no answer from ${this.server}${path} within 5 s`)));
      sent.end(patch === undefined ? undefined : JSON.stringify(patch));
    });
  }
}

/** Where the server of a kubeconfig is, and who signed its certificate. */
export function readApiAccess(kubeconfig: string): { readonly server: string; readonly authority: Buffer } {
  const { cluster } = (JSON.parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig).clusters[0]!;
  return { server: cluster.server, authority: Buffer.from(cluster['certificate-authority-data'], 'base64') };
}

/** Rewrites the server of a kubeconfig, for those who reach it by another way than the parts of the cluster. */
export function withServer(kubeconfig: string, server: string): string {
  const config = JSON.parse(kubeconfig) as Kubeconfig;
  config.clusters[0]!.cluster.server = server;
  return JSON.stringify(config, null, 2);
}
