import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Store } from '../../src/artifacts/store.ts';
import { EMBEDDED } from '../../src/cli/session.ts';
import { buildDataset } from '../../src/data/build-dataset.ts';
import { readModelCatalog } from '../../src/data/read-model-catalog.ts';
import { freezePlan } from '../../src/experiment/freeze-plan.ts';
import { parseSweep } from '../../src/experiment/parse-sweep.ts';
import { CliWorld } from '../server/cli-world.ts';
import { launchChromium } from './chromium.ts';

/** Two toys whose review stages cannot begin, because their dataset is damaged; everything before them is trained for real. */
const world = new CliWorld({ steps: 10 });
let browser: Browser;
let sweepId: string;
let list: string;

beforeAll(async () => {
  await damageReviewData();
  const settled = await world.lethe('run', world.file, '--yes', '--json');
  expect(settled.code, settled.stderr).toBe(3);
  const { ui } = (await world.last('ui', 'toy')) as { ui: string };
  list = ui;
  browser = await launchChromium();
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await world.end();
}, 60_000);

async function damageReviewData(): Promise<void> {
  const models = await readModelCatalog(join(import.meta.dirname, '..', '..', 'configs', 'models'));
  const parsed = parseSweep(await readFile(world.file, 'utf8'), { path: world.file, models });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { plan, planHash } = freezePlan(parsed.sweep);
  sweepId = `${plan.name}~${planHash.slice(0, 12)}`;
  const review = plan.stages.find(({ kind }) => kind === 'review')?.spec.train?.data;
  if (review === undefined) throw new Error('expected a review that trains');
  const store = await Store.create(world.store, EMBEDDED);
  await buildDataset(join(store.path, 'data'), review);
  await appendFile(join(store.dataPath(review.digest), 'tokens.jsonl'), ' ');
}

/** Opens the workflow behind a row of the list, at one of its tabs. */
async function openRow(page: Page, list: string, filter: string, id: RegExp, tab: string): Promise<void> {
  const address = new URL(list);
  address.searchParams.set('query', filter);
  await page.goto(address.href);
  await page.getByRole('link', { name: id }).first().click();
  await page
    .getByRole('link', { name: tab })
    .or(page.getByRole('tab', { name: tab }))
    .first()
    .click();
}

/** The Markdown of a page, which the UI shows in frames: the last is the current details. */
function currentDetails(page: Page): Locator {
  return page.frameLocator('iframe').last().locator('main');
}

describe('the Temporal UI of a sweep with parked stages', () => {
  it('shows on the sweep what is parked, why, which runs lack it and what to type, and leads to the stage', async () => {
    const page = await browser.newPage();
    await openRow(page, list, `LetheSweep="${sweepId}" AND WorkflowType="scaleSweep"`, /toy~/, 'User Metadata');
    const details = currentDetails(page);
    await details.getByText('2 of 4 stages done').waitFor();
    const text = await details.textContent();
    expect(text).toContain('gpt2-d8.review.s1 · data, attempt 1');
    expect(text).toContain('tokens.jsonl with sha256');
    expect(text).toContain('missing: gpt2-d8.forgetting.s1');
    expect(text).toContain(`lethe retry ${sweepId}/gpt2-d8.review.s1`);
    const opened = page.context().waitForEvent('page');
    await details.getByRole('link', { name: 'gpt2-d8.review.s1' }).click();
    await (await opened).getByRole('heading', { name: /review~[0-9a-f]{12}/ }).waitFor();
    await page.context().close();
  });

  it('finds parked stages by their state, each with the command that goes on', async () => {
    const page = await browser.newPage();
    await openRow(page, list, `LetheState="parked" AND LetheRuns="gpt2-d16.forgetting.s1"`, /review~/, 'User Metadata');
    const details = currentDetails(page);
    await details.getByText('is parked').waitFor();
    expect(await details.textContent()).toContain(`lethe retry ${sweepId}/gpt2-d16.review.s1`);
    await page.context().close();
  });
});

describe('the Temporal UI of a sweep under way', () => {
  const busy = new CliWorld({ steps: 500_000 });
  afterAll(() => busy.end(), 60_000);

  it('shows where a job runs and its last checkpoint, and what a waiting one waits for', async () => {
    const started = await busy.lethe('run', busy.file, '--yes', '--detach', '--slots', '1');
    expect(started.code, started.stderr).toBe(0);
    const { ui } = (await busy.last('ui', 'toy')) as { ui: string };
    const heartbeats = async () => {
      const page = await browser.newPage();
      const told: string[] = [];
      for (const stage of ['gpt2-d8.finetune.s1', 'gpt2-d16.finetune.s1']) {
        await openRow(page, ui, `LetheStage="${stage}"`, /finetune~/, 'Pending Activities');
        await page.getByText('"state"').first().waitFor();
        told.push((await page.locator('body').textContent()) ?? '');
      }

      await page.context().close();
      return told;
    };
    await expect
      .poll(heartbeats, { timeout: 60_000, interval: 1_000 })
      .toEqual(
        expect.arrayContaining([
          expect.stringMatching(/"running"[\s\S]*"where": *"process \d+"/),
          expect.stringMatching(/"checkpointAt": *"\d{4}-\d\d-\d\dT/),
          expect.stringMatching(/"queued"[\s\S]*"reason": *"[^"]*slot/),
        ]),
      );
  });
});
