import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActivityParts } from '../../src/activities/activity-parts.ts';
import { firstSetup } from '../../src/activities/first-setup.ts';
import { FrozenPlans } from '../../src/activities/frozen-plans.ts';
import type { PlanPage } from '../../src/activities/plan-page.ts';
import { makeReadPlan } from '../../src/activities/read-plan.ts';
import { makeSaveControl } from '../../src/activities/save-control.ts';
import { Store } from '../../src/artifacts/store.ts';
import { freezeTinySweep } from '../support/tiny-sweep.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-plan-'));
  store = await Store.create(folder, { address: 'nowhere', namespace: 'none' });
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function parts(): ActivityParts {
  const setupOf: ActivityParts['setupOf'] = (spec, asked) => firstSetup(spec, asked, 2 ** 33);
  return { store, plans: new FrozenPlans(store), setupOf, memoryLimit: 2 ** 33 } as unknown as ActivityParts;
}

async function pagesOf(sweepId: string, planHash: string): Promise<PlanPage[]> {
  const readPlan = makeReadPlan(parts());
  const pages: PlanPage[] = [];
  for (let from: number | undefined = 0; from !== undefined; ) {
    const page: PlanPage = await readPlan({ sweepId, planHash, from });
    pages.push(page);
    from = page.next;
  }
  return pages;
}

describe('reading a plan', () => {
  it('gives all stages, then all runs, in pages that a history can hold', async () => {
    const seeds = Array.from({ length: 400 }, (_, seed) => seed + 1);
    const { sweepId, planHash, plan } = await freezeTinySweep(store, { seeds });
    const pages = await pagesOf(sweepId, planHash);
    expect(pages.length).toBeGreaterThan(1);
    for (const page of pages) expect(JSON.stringify(page).length).toBeLessThan(256 * 1024);
    expect(pages.flatMap(({ stages }) => stages.map(({ key }) => key))).toEqual(plan.stages.map(({ key }) => key));
    expect(pages.flatMap(({ runs }) => runs.map(({ id }) => id))).toEqual(plan.runs.map(({ id }) => id));
    expect(pages.flatMap(({ control }) => control ?? [])).toEqual([{ paused: false, lifted: [] }]);
  });

  it('remembers the newest word of a person', async () => {
    const { sweepId, planHash } = await freezeTinySweep(store);
    const saveControl = makeSaveControl({ store });
    await saveControl({ sweepId, control: { paused: true, lifted: [] }, by: 'a test' });
    await saveControl({ sweepId, control: { paused: false, lifted: [3] }, by: 'a test' });
    expect((await pagesOf(sweepId, planHash)).at(-1)?.control).toEqual({ paused: false, lifted: [3] });
  });

  it('refuses a plan with another hash, for good', async () => {
    const { sweepId } = await freezeTinySweep(store);
    const refused = makeReadPlan(parts())({ sweepId, planHash: 'f'.repeat(64), from: 0 });
    await expect(refused).rejects.toMatchObject({ type: 'config', nonRetryable: true });
  });
});
