/** What a job asks of its machine. No part of any key: the same stage on other resources is the same stage. */
export interface JobResources {
  readonly cores: number;
  /** Estimated peak; the local launcher admits by it, a cluster takes it as request and limit. */
  readonly memoryBytes: number;
  readonly gpus: number;
}
