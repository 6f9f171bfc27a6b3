import type { Fault } from './fault.ts';
import { API_SERVER_STOPPED, apiTrouble } from './faults/api-trouble.ts';
import { CRASH, CRASH_FOR_GOOD, JOB_GONE_BY_TTL } from './faults/crash.ts';
import {
  ALLOCATION_REFUSED,
  ALLOCATION_REFUSED_FOR_GOOD,
  CHECKPOINTS_LOCKED,
  DIVERGING,
  NO_DEVICE,
  NO_DEVICE_FOR_GOOD,
  OTHER_NUMERICS,
  VOLUME_FULL,
  WEIGHTS_DAMAGED,
  WEIGHTS_GONE,
  WEIGHTS_NEVER_COME,
} from './faults/damaged-stage.ts';
import { JOB_DELETED, OLD_POD_HIDDEN } from './faults/job-taken.ts';
import { MEMORY_EATEN, MEMORY_LIMIT } from './faults/memory-limit.ts';
import { IMAGE_MISSING, UNSCHEDULABLE } from './faults/never-starts.ts';
import { KUBELET_KILLED, NETWORK_CUT, NODE_REMOVED, POWER_LOST, PROGRAM_FROZEN } from './faults/node-lost.ts';
import { POD_DELETED, POD_DELETED_AT_ONCE, POD_EVICTED, POD_EVICTED_FOR_GOOD } from './faults/pod-taken.ts';
import { WORKER_KILLED, WORKER_TERMINATED } from './faults/worker-gone.ts';
import { WORKFLOW_TERMINATED } from './faults/workflow-terminated.ts';

/** Every fault that a row may name. */
export const FAULT_BOOK = {
  crash: CRASH,
  'crash-for-good': CRASH_FOR_GOOD,
  'job-gone-by-ttl': JOB_GONE_BY_TTL,
  'no-device': NO_DEVICE,
  'no-device-for-good': NO_DEVICE_FOR_GOOD,
  'allocation-refused': ALLOCATION_REFUSED,
  'allocation-refused-for-good': ALLOCATION_REFUSED_FOR_GOOD,
  'other-numerics': OTHER_NUMERICS,
  diverging: DIVERGING,
  'weights-damaged': WEIGHTS_DAMAGED,
  'weights-gone': WEIGHTS_GONE,
  'weights-never-come': WEIGHTS_NEVER_COME,
  'checkpoints-locked': CHECKPOINTS_LOCKED,
  'volume-full': VOLUME_FULL,
  'memory-limit': MEMORY_LIMIT,
  'memory-eaten': MEMORY_EATEN,
  'image-missing': IMAGE_MISSING,
  unschedulable: UNSCHEDULABLE,
  'pod-deleted': POD_DELETED,
  'pod-deleted-at-once': POD_DELETED_AT_ONCE,
  'pod-evicted': POD_EVICTED,
  'pod-evicted-for-good': POD_EVICTED_FOR_GOOD,
  'job-deleted': JOB_DELETED,
  'old-pod-hidden': OLD_POD_HIDDEN,
  'workflow-terminated': WORKFLOW_TERMINATED,
  'worker-killed': WORKER_KILLED,
  'worker-terminated': WORKER_TERMINATED,
  'api-down': apiTrouble('down'),
  'api-silent': apiTrouble('silent'),
  'api-slow': apiTrouble('slow'),
  'api-429': apiTrouble(429),
  'api-500': apiTrouble(500),
  'api-410': apiTrouble(410),
  'api-server-stopped': API_SERVER_STOPPED,
  'kubelet-killed': KUBELET_KILLED,
  'network-cut': NETWORK_CUT,
  'power-lost': POWER_LOST,
  'node-removed': NODE_REMOVED,
  'program-frozen': PROGRAM_FROZEN,
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof FAULT_BOOK;
