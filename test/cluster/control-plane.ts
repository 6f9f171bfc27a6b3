import { join } from 'node:path';
import { sendCommand } from './cluster-commands.ts';

/** `api-bridge` is the way from the host to the API server: without it clients outside lose the server, the cluster does not. */
export const CONTROL_PLANE_PARTS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'api-bridge',
] as const;
export type ControlPlanePart = (typeof CONTROL_PLANE_PARTS)[number];

/** Takes away parts of a cluster's control plane and brings them back. */
export class ControlPlane {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** SIGKILL: connections are reset at once. */
  stop(part: ControlPlanePart): Promise<void> {
    return this.tell(`stop ${part}`);
  }

  /** Takes the address it had. After a stop; a part that runs already would clash with itself. */
  start(part: ControlPlanePart): Promise<void> {
    return this.tell(`start ${part}`);
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  pause(part: ControlPlanePart): Promise<void> {
    return this.tell(`pause ${part}`);
  }

  cont(part: ControlPlanePart): Promise<void> {
    return this.tell(`cont ${part}`);
  }

  private tell(command: string): Promise<void> {
    return sendCommand(this.folder, join(this.folder, 'control'), command);
  }
}
