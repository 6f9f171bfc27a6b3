import { claimOf, reachCluster } from '../access/reach-store.ts';
import type { StoreOptions } from '../command.ts';
import { BadInput } from '../exit-codes.ts';
import type { Output } from '../terminal/output.ts';
import type { ProgressLine } from '../terminal/progress-line.ts';
import type { RemoteStore } from './add-remotely.ts';

/** The store in a cluster that something is to be brought into; undefined: a folder of this machine. */
export async function reachRemote(
  options: StoreOptions & { readonly link?: boolean },
  output: Output,
  what: string,
): Promise<RemoteStore | undefined> {
  const claim = await claimOf(options);
  if (claim === undefined) return undefined;
  if (options.link)
    throw new BadInput(`--link: expected a store in a folder of this machine; into pvc:${claim} ${what} is copied`);
  const { remoteAccess } = await import('../access/remote-access.ts');
  const way = await reachCluster(claim, options);
  return { way, access: remoteAccess(way, (text) => output.say(text)) };
}

/** Byte counts alone move the line; what is counted otherwise is over in a moment. */
export function progressOf(line: ProgressLine): (doing: string, done: number, total: number) => void {
  return (doing, done, total) => {
    if (doing !== 'reading') line.show(done, total);
  };
}
