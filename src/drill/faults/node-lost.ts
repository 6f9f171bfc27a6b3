import type { Pod } from '../../jobs/kubernetes/cluster-objects.ts';
import type { ClusterMeans, Undo } from '../cluster-means.ts';
import type { Fault } from '../fault.ts';
import type { RowWorld } from '../row-world.ts';

/** Takes the losable node away under a running pod, and brings it back once the successor has begun. */
function nodeLoss(take: (means: ClusterMeans) => Promise<Undo>): Fault {
  return {
    provoke: async (world) => {
      await slowOnLosableNode(world);
      world.strike();
      const undo = await take(world.means);
      try {
        await world.until('a successor at work', ({ writers }) => (writers[1]?.progress.length ?? 0) > 1);
      } finally {
        await undo();
      }
    },
  };
}

/** The pod, well under way on the node that may be lost. */
export async function onLosableNode(world: RowWorld): Promise<Pod> {
  await world.firstCheckpoint();
  const pod = await world.pod();
  const { losableNode } = world.means;
  if (pod.spec.nodeName !== losableNode)
    throw new Error(`expected the pod on ${losableNode}, the scheduler chose ${pod.spec.nodeName}`);
  return pod;
}

/** Resolves to the UID of the pod, which is slowed down: it outlives the time in which its node is given up. */
async function slowOnLosableNode(world: RowWorld): Promise<string> {
  const { metadata } = await onLosableNode(world);
  await world.means.slowDown(metadata.uid);
  return metadata.uid;
}

export const KUBELET_KILLED = nodeLoss((means) => means.killKubelet());

export const NETWORK_CUT = nodeLoss((means) => means.cutNetwork());

export const POWER_LOST = nodeLoss((means) => means.cutPower());

export const NODE_REMOVED = nodeLoss((means) => means.removeNode());

/** It is neither dead nor at work: only the stall limit tells. */
export const PROGRAM_FROZEN: Fault = {
  stallMs: 4_000,
  provoke: async (world) => {
    const uid = await slowOnLosableNode(world);
    world.strike();
    const undo = await world.means.freeze(uid);
    await world.firstEvidence();
    await undo();
  },
};
