import type { ApiCall } from './api-client.ts';

/** One right in the namespace of the jobs, as a Role grants it. */
export interface Right {
  readonly verb: string;
  /** '' = the core group. */
  readonly group: string;
  /** With its subresource: `pods/log`. */
  readonly resource: string;
}

const of = (group: string, resource: string, ...verbs: readonly string[]): readonly Right[] =>
  verbs.map((verb) => ({ verb, group, resource }));

/** All that the launcher asks of a cluster: what k8s/base/role.yaml grants. */
export const NEEDED_RIGHTS: readonly Right[] = [
  ...of('batch', 'jobs', 'create', 'get', 'list', 'watch', 'patch', 'delete'),
  ...of('', 'pods', 'list', 'watch'),
  ...of('', 'pods/log', 'get'),
  ...of('', 'events', 'list'),
];

/** Where jobs wait in queues: what k8s/overlays/kueue adds, to tell why one waits. */
export const QUEUE_RIGHTS: readonly Right[] = of('kueue.x-k8s.io', 'workloads', 'list');

export function nameOfRight({ verb, group, resource }: Right): string {
  return `${verb} ${group === '' ? '' : `${group}/`}${resource}`;
}

const VERBS = { POST: 'create', PATCH: 'patch', DELETE: 'delete' } as const;
const PATH = /^\/apis?\/(?:([\w-]+(?:\.[\w.-]+)?)\/)?v\w+\/namespaces\/[^/]+\/(\w+)(?:\/([^/]+))?(?:\/(\w+))?$/;

/** The right that a request needs. */
export function rightFor({ method, path, query }: Pick<ApiCall, 'method' | 'path' | 'query'>): Right {
  const [, group = '', resource = '', name, part] = PATH.exec(path) ?? [];
  const read = query?.watch === 'true' ? 'watch' : name === undefined ? 'list' : 'get';
  const verb = method === 'GET' ? read : VERBS[method];
  return { verb, group, resource: part === undefined ? resource : `${resource}/${part}` };
}
