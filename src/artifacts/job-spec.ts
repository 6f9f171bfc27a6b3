import type { JobResources } from '../recovery/job-resources.ts';

/** `job.json`: the whole job as it will be launched, published before the launch and re-sent verbatim. */
export interface JobSpec {
  readonly format: 'lethe-job/1';
  /** `lethe-<store6>-<key12>-a<n>` */
  readonly name: string;
  readonly storeId: string;
  readonly key: string;
  readonly attempt: number;
  /** Program and arguments; paths are absolute as the job sees them. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The attempt's folder as the job sees it. */
  readonly attemptFolder: string;
  readonly resources: JobResources;
  /** Sweeps and runs that asked for it, for people. */
  readonly annotations: Readonly<Record<string, string>>;
  /** In a cluster: the Kubernetes Job as it is sent, whole, so that a worker with another configuration asks for the same one. */
  readonly manifest?: Readonly<Record<string, unknown>>;
}
