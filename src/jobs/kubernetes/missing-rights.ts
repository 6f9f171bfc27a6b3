import type { ApiClient } from './api-client.ts';
import { nameOfRight, type Right } from './needed-rights.ts';

/** Names of those rights that the caller lacks in the client's namespace. */
export async function missingRights(api: ApiClient, rights: readonly Right[]): Promise<string[]> {
  const allowed = await Promise.all(rights.map((right) => isAllowed(api, right)));
  return rights.filter((_, index) => !allowed[index]).map(nameOfRight);
}

/** In the API server's own words: everyone may ask it about himself. */
async function isAllowed(api: ApiClient, { verb, group, resource }: Right): Promise<boolean> {
  const [name, subresource] = resource.split('/');
  const resourceAttributes = {
    namespace: api.namespace,
    verb,
    group,
    resource: name,
    ...(subresource && { subresource }),
  };
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  };
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const { status } = await api.call<{ status: { allowed: boolean } }>({ method: 'POST', path, body });
  return status.allowed;
}
