import { collectGarbage, type Garbage } from '../../artifacts/disk-use.ts';
import { Store } from '../../artifacts/store.ts';

export default async function ({
  storePath,
  dryRun,
}: {
  readonly storePath: string;
  readonly dryRun: boolean;
}): Promise<Garbage> {
  return collectGarbage(await Store.open(storePath), dryRun);
}
