/** Brings back what was taken away; resolves when the cluster works as before. */
export type Undo = () => Promise<void>;

/** What only who owns the cluster can do. A drill without it leaves the rows of access `cluster` out, by name. */
export interface ClusterMeans {
  /** The node that may be lost; rows of lane `node` run there first, all others elsewhere. */
  readonly losableNode: string;
  readonly otherNode: string;
  /** A folder of the store's volume that is a small volume of its own. */
  readonly smallVolume: string;
  killKubelet(): Promise<Undo>;
  cutNetwork(): Promise<Undo>;
  cutPower(): Promise<Undo>;
  removeNode(): Promise<Undo>;
  /** The programs of a pod on the losable node stand still. */
  freeze(podUid: string): Promise<Undo>;
  /** The programs of a pod on the losable node get a twentieth of a core, so that they outlive the time in which their node is given up. */
  slowDown(podUid: string): Promise<void>;
  /** Of the memory that the container of a pod on the losable node may have, more than its trainer leaves is taken: the kernel kills the trainer. */
  eatMemory(podUid: string): Promise<Undo>;
  stopApiServer(): Promise<Undo>;
}
