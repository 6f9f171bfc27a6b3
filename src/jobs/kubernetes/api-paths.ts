const GROUPS = {
  jobs: '/apis/batch/v1',
  pods: '/api/v1',
  events: '/api/v1',
  persistentvolumeclaims: '/api/v1',
} as const;

/** Where the API server has the objects of a kind in a namespace, or one of them. */
export function pathOf(
  { namespace }: { readonly namespace: string },
  resource: keyof typeof GROUPS,
  name?: string,
): string {
  const all = `${GROUPS[resource]}/namespaces/${namespace}/${resource}`;
  return name === undefined ? all : `${all}/${name}`;
}
