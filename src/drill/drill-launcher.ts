import type { JobSpec } from '../artifacts/job-spec.ts';
import type { JobWishes } from '../jobs/job-launcher.ts';
import { KubernetesJobLauncher, type KubernetesLauncherOptions } from '../jobs/kubernetes/kubernetes-launcher.ts';

/** What the attempts of one row are asked for beyond their plan. */
export interface LaunchTwist {
  /** The trainer ends with 70 after this step: at its first attempt, or at each. */
  readonly crashAt?: number;
  readonly everyAttempt?: boolean;
  /** Steps between the checkpoints of each attempt, instead of the sweep's; anchors have theirs all the same. */
  readonly checkpointEvery?: number;
  /** Jobs go to another node than this where there is one. */
  readonly avoidNode?: string;
}

/** The real launcher, whose jobs may be asked to crash, to save seldom and to keep away from a node. */
export class DrillLauncher extends KubernetesJobLauncher {
  twist: LaunchTwist;

  constructor(options: KubernetesLauncherOptions, twist: LaunchTwist) {
    super(options);
    this.twist = twist;
  }

  override complete(spec: JobSpec, wishes: JobWishes): JobSpec {
    const { crashAt, everyAttempt = false, checkpointEvery, avoidNode } = this.twist;
    const crashes = crashAt !== undefined && (everyAttempt || spec.attempt === 1);
    const command = [
      ...spec.command,
      ...(crashes ? ['--crash-at', String(crashAt)] : []),
      // Said twice: the trainer takes the last.
      ...(checkpointEvery === undefined ? [] : ['--checkpoint-every', String(checkpointEvery)]),
    ];
    const away = avoidNode === undefined || wishes.avoidNode !== undefined ? {} : { avoidNode };
    return super.complete({ ...spec, command }, { ...wishes, ...away });
  }
}
