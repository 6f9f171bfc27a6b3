import { inputCatalogOfStore } from '../../artifacts/input-catalog-of-store.ts';
import { Store } from '../../artifacts/store.ts';
import { SweepFolder } from '../../artifacts/sweep-folder.ts';
import { freezePlan } from '../../experiment/freeze-plan.ts';
import { formatProblems, parseSweep } from '../../experiment/parse-sweep.ts';
import type { FreezeRequest } from '../../experiment/store-errands.ts';

export type FreezeAnswer =
  | { readonly kind: 'frozen' }
  | { readonly kind: 'other'; readonly planHash: string }
  | { readonly kind: 'bad file'; readonly problems: string };

export default async function ({
  storePath,
  request,
}: {
  readonly storePath: string;
  readonly request: FreezeRequest;
}): Promise<FreezeAnswer> {
  const { path, text, models } = request;
  const inputs = await inputCatalogOfStore(storePath);
  const parsed = parseSweep(text, { path, models, inputs });
  if (!parsed.ok) return { kind: 'bad file', problems: formatProblems(parsed.problems) };
  const { plan, planHash } = freezePlan(parsed.sweep);
  if (planHash !== request.planHash) return { kind: 'other', planHash };
  const frozen = await SweepFolder.freeze(await Store.open(storePath), plan, planHash, text);
  await frozen.saveExecution(parsed.sweep.execution);
  return { kind: 'frozen' };
}
