import type { ApiClient } from './api-client.ts';
import type { Right } from './needed-rights.ts';

/** Whether the caller has a right in the client's namespace, in the API server's own words: everyone may ask it about himself. */
export async function isAllowed(api: ApiClient, { verb, group, resource }: Right): Promise<boolean> {
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
