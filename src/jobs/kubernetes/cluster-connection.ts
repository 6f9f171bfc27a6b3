import type { RequestOptions } from 'node:https';

/** How the API server is reached. Asked anew for every request, because tokens run out. */
export interface ClusterConnection {
  readonly server: string;
  readonly namespace: string;
  /** TLS, credentials and agent for a request. Rejects when the credentials cannot be had. */
  requestOptions(): Promise<RequestOptions>;
}
