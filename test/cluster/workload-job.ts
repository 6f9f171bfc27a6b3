/** A Job of one pod within the restricted profile. */
export interface WorkloadJob {
  readonly name: string;
  readonly namespace: string;
  /** Default: the `workload` program. */
  readonly image?: string;
  /** Of the image's entry point; `workload` takes them as its main.go says. */
  readonly args: readonly string[];
  readonly limits?: Readonly<Record<string, string>>;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Default false: the pod gets no token. */
  readonly serviceAccountToken?: boolean;
}

/** The manifest as JSON, for `kubectl create -f -`. */
export function workloadJob(job: WorkloadJob): string {
  return JSON.stringify({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: job.name, namespace: job.namespace },
    spec: {
      backoffLimit: 0,
      template: {
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 5,
          automountServiceAccountToken: job.serviceAccountToken ?? false,
          nodeSelector: job.nodeSelector ?? {},
          securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: 'workload',
              image: job.image ?? 'localhost/lethe-test/workload:1',
              imagePullPolicy: 'Never',
              args: job.args,
              resources: { limits: job.limits ?? {} },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
            },
          ],
        },
      },
    },
  });
}
