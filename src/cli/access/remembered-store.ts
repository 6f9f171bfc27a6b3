import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { hasCode } from '../../artifacts/publish.ts';
import { replaceFile } from '../../artifacts/replace-file.ts';
import { defaultStateFolder } from '../../jobs/local/table-file.ts';
import { BadInput } from '../exit-codes.ts';

/** The way to a store in a cluster, as it was last gone: kept per user, so that a later command needs no flag but `--store pvc:NAME`. */
export interface RememberedStore {
  readonly claim: string;
  readonly namespace?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  /** `host:port` of Temporal as this machine reaches it. */
  readonly temporal?: string;
  /** Known once its worker was spoken to: names the copies on this machine. */
  readonly storeId?: string;
}

const schema = z.object({
  claim: z.string(),
  namespace: z.string().optional(),
  kubeconfig: z.string().optional(),
  context: z.string().optional(),
  temporal: z.string().optional(),
  storeId: z.string().optional(),
});

const CLAIM = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/** `pvc:lethe-store` names a claim. Throws `BadInput` for a name that no claim can have. */
export function claimIn(store: string): string | undefined {
  if (!store.startsWith('pvc:')) return undefined;
  const claim = store.slice('pvc:'.length);
  if (!CLAIM.test(claim))
    throw new BadInput(`--store: expected pvc:NAME with the name of a PersistentVolumeClaim, got "${store}"`);
  return claim;
}

export async function recallStore(claim: string): Promise<RememberedStore> {
  try {
    const read = schema.safeParse(JSON.parse(await readFile(fileOf(claim), 'utf8')));
    return read.success ? (read.data as RememberedStore) : { claim };
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return { claim };
    throw error;
  }
}

/** The claim that was used last; undefined when none ever was. */
export async function newestClaim(): Promise<string | undefined> {
  const names = await readdir(folder()).catch(() => []);
  const found = await Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .map(async (name) => ({ claim: name.slice(0, -'.json'.length), at: (await stat(join(folder(), name))).mtimeMs })),
  );
  return found.sort((a, b) => b.at - a.at)[0]?.claim;
}

export async function rememberStore(remembered: RememberedStore): Promise<void> {
  const { kubeconfig } = remembered;
  const kept = { ...remembered, ...(kubeconfig !== undefined && { kubeconfig: resolve(kubeconfig) }) };
  await replaceFile(fileOf(remembered.claim), `${JSON.stringify(kept)}\n`, { mode: 0o600 });
}

function folder(): string {
  return join(defaultStateFolder(), 'clusters');
}

function fileOf(claim: string): string {
  return join(folder(), `${claim}.json`);
}
