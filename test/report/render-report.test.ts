import { describe, expect, it } from 'vitest';
import { noVerdictPage } from '../../src/report/no-verdict-page.ts';
import { renderReport } from '../../src/report/render-report.ts';
import type { ReportInput } from '../../src/report/report-input.ts';
import { sentenceParts } from '../../src/report/sentence.ts';
import { type ClassForgetting, MEASURES, type ScaleForgetting } from '../../src/statistics/analysis.ts';
import { type FixtureOptions, reportFixture } from './report-fixture.ts';

async function pageOf(input: ReportInput): Promise<string> {
  return (await renderReport(input)).files['index.html'] ?? '';
}

async function setup(options?: FixtureOptions) {
  const input = reportFixture(options);
  return { input, page: await pageOf(input) };
}

describe('the report page', () => {
  it('gives the same bytes for the same input, also after a trip through JSON', async () => {
    const input = reportFixture({ interleaved: true });
    const first = await renderReport(input);
    const second = await renderReport(JSON.parse(JSON.stringify(input)) as ReportInput);
    expect(second).toEqual(first);
    expect(Object.keys(first.files).sort()).toEqual([
      'analysis.json',
      'contrasts.csv',
      'estimates.csv',
      'index.html',
      'summary.md',
      'verdict.json',
    ]);
  });

  it('says the verdict in its own words and names what held it back', async () => {
    const { input, page } = await setup();
    const heading = /<h1>(.*?)<\/h1>/.exec(page)?.[1];
    const { claim, scope } = sentenceParts(input.analysis.verdict);
    expect(heading).toBe(`${claim} <small>${scope}</small>`);
    expect(page).toContain('<span class="word good">GRADUAL</span>');
    expect(page).toContain('SHARP by the decision table, before caps');
    expect(page).toContain('SHARP → GRADUAL');
  });

  it('drops only the word that stands above the sentence, and sets its scope apart', () => {
    const verdict = reportFixture().analysis.verdict;
    const sentence = 'GRADUAL: it depends on scale (6 scales, 5 seeds).';
    expect(sentenceParts({ ...verdict, sentence })).toEqual({
      claim: 'It depends on scale.',
      scope: '6 scales, 5 seeds',
    });
    expect(sentenceParts({ ...verdict, sentence: 'Nothing (yet) can be said' })).toEqual({
      claim: 'Nothing (yet) can be said.',
      scope: '',
    });
  });

  it('never speaks of emergence below SHARP', async () => {
    for (const shape of ['hinge', 'line', 'none'] as const) {
      const { input } = await setup({ shape });
      for (const text of Object.values((await renderReport(input)).files)) expect(text).not.toMatch(/emergen/i);
    }
  });

  it('always prints scales, seeds, span and the minimum detectable effect', async () => {
    const { page } = await setup({ scales: 4, seeds: 5 });
    expect(page).toMatch(/<dt>scales<\/dt><dd>4</);
    expect(page).toMatch(/<dt>seeds a scale<\/dt><dd>5</);
    expect(page).toMatch(/<dt>span<\/dt><dd>1\.9 decades</);
    expect(page).toMatch(/<dt>minimum detectable<\/dt><dd>0\.16</);
  });

  it('turns names, sentences and sweep files into text, never into markup', async () => {
    const hostile = '<script>alert(1)</script><img src=x onerror=1>"\'&';
    const input = reportFixture({
      synthetic: hostile,
      verdict: { sentence: hostile, reasons: [hostile], caps: [] },
    });
    const page = await pageOf({
      ...input,
      sweep: hostile,
      exploratory: hostile,
      runs: input.runs.map((run) => ({ ...run, run: hostile, reason: hostile })),
      stages: input.stages.map((stage) => ({
        ...stage,
        label: hostile,
        key: hostile,
        attempts: [{ attempt: 1, outcome: 'failed', rule: hostile, sentence: hostile, stepsLost: 0 }],
      })),
      provenance: {
        ...input.provenance,
        sweepFile: { path: hostile, text: hostile },
        versions: { [hostile]: hostile },
      },
      analysis: {
        ...input.analysis,
        notes: [hostile],
        arms: input.analysis.arms.map((arm) => ({
          ...arm,
          arm: hostile,
          scales: arm.scales.map((scale) => ({ ...scale, model: hostile })),
        })),
      },
    });
    expect(page).not.toContain('<script');
    expect(page).not.toContain('<img');
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  it('loads nothing: no address, no import, no script', async () => {
    const { page } = await setup({ interleaved: true });
    expect(page).not.toMatch(/(src|href)="(?!#|data:)/);
    expect(page).not.toMatch(/url\(|@import|<script/);
  });

  it('leads with the banners of synthetic, exploratory and role', async () => {
    const { input } = await setup({ synthetic: 'A planted hinge at the fourth scale.\n' });
    const page = await pageOf({ ...input, exploratory: 'An earlier plan of this name had results.' });
    const verdict = page.indexOf('id="verdict"');
    for (const text of [
      'A planted hinge at the fourth scale.',
      'An earlier plan of this name',
      'is a role in a synthetic grammar',
    ]) {
      expect(page.indexOf(text)).toBeGreaterThan(0);
      expect(page.indexOf(text)).toBeLessThan(verdict);
    }
  });

  it('says of one scale that it has no trend, without a range from itself to itself', async () => {
    const whole = reportFixture();
    const arms = whole.analysis.arms.map((arm) => ({ ...arm, scales: arm.scales.slice(0, 1) }));
    const page = await pageOf({ ...whole, analysis: { ...whole.analysis, scaleCount: 1, arms } });
    expect(page).toContain('one scale has none');
    expect(page).not.toContain('Nothing outside');
  });

  it('says nothing of roles when the examples are real', async () => {
    const input = { ...reportFixture(), policyGrammar: false };
    expect(await pageOf(input)).not.toContain('synthetic grammar');
  });

  it('counts the images that made the stages; jobs of one machine have none', async () => {
    const { input, page } = await setup();
    expect(page).not.toContain('trainer image');
    const images = [{ image: 'registry/lethe-trainer@sha256:abc', stages: 3 }];
    const clustered = await pageOf({ ...input, provenance: { ...input.provenance, images } });
    expect(clustered).toMatch(/registry\/lethe-trainer@sha256:abc<\/span> \(3 stages\)/);
  });

  it('says so when trainer builds or numerics are mixed', async () => {
    const { input, page } = await setup();
    expect(page).not.toContain('Mixed builds');
    const { provenance } = input;
    const mixed = await pageOf({
      ...input,
      provenance: {
        ...provenance,
        trainerBuilds: [...provenance.trainerBuilds, { build: 'f'.repeat(64), stages: 3 }],
        numerics: [...provenance.numerics, { tuple: { backend: 'cpu', cpu: 'avx512' }, stages: 3 }],
      },
    });
    expect(mixed).toContain('Mixed builds');
    expect(mixed).toContain('made by 2 different builds');
    expect(mixed).toContain('This report mixes numerics');
  });

  it('lists missing runs with the command that continues them, and failed attempts with rule and cost', async () => {
    const { input } = await setup({ failures: true });
    const missing = input.analysis.missing[0];
    if (!missing) throw new Error('the fixture lost its missing run');
    const page = await pageOf({
      ...input,
      runs: [
        ...input.runs,
        {
          run: missing.run,
          arm: missing.arm,
          model: 'd256',
          seed: 2,
          state: 'missing',
          reason: 'parked: crash, three attempts without progress',
          command: 'lethe retry d256.mismatched-review.s2',
          stages: [],
        },
      ],
    });
    expect(page).toContain('1 missing run');
    expect(page).toContain('parked: crash, three attempts without progress');
    expect(page).toContain('<code>lethe retry d256.mismatched-review.s2</code>');
    expect(page).toContain('ended by signal 9, no word of the kernel about memory');
    expect(page).toMatch(/<td class="num">34<\/td>/);
  });

  it('writes a missing score as missing, never as zero', async () => {
    const { input } = await setup({ seeds: 1, scales: 3, failures: false });
    const { tests } = input.analysis;
    const untestable = {
      ...tests.continuous,
      sigma: null,
      df: 0,
      minimumDetectable: null,
      presence: { model: 'd96', lowerBound: null, p: null, holds: false },
      absence: { model: 'd32', interval: null, p: null, holds: false },
      trend: null,
      trendHolmP: null,
      onset: null,
      leaveLargestOut: null,
      daviesP: null,
      lackOfFitTau: null,
    };
    const page = await pageOf({
      ...input,
      analysis: { ...input.analysis, tests: { continuous: untestable, binary: untestable }, sensitivity: null },
    });
    expect(page).toContain('not testable: no spread between seeds to judge by');
    expect(page).toContain('not testable: needs ≥ 4 scales and ≥ 2 seeds');
    expect(page).toContain('the spread between runs is unknown');
    expect(page).not.toMatch(/NaN|undefined|null(?!")/);
  });

  it('says in the picture that nothing was learned, instead of drawing an empty frame', async () => {
    const { input } = await setup();
    const none = Object.fromEntries(MEASURES.map((measure) => [measure, null])) as ClassForgetting['measures'];
    const contrasts = Object.fromEntries(
      MEASURES.map((measure) => [measure, { 'unsafe-safe': null, 'unsafe-task': null, smaller: null }]),
    ) as ScaleForgetting['contrasts'];
    const arms = input.analysis.arms.map((arm) => ({
      ...arm,
      scales: arm.scales.map((scale) => ({
        ...scale,
        contrasts,
        classes: scale.classes.map((one) => ({ ...one, measures: none })),
      })),
    }));
    const page = await pageOf({ ...input, analysis: { ...input.analysis, arms, runs: [] } });
    expect(page.match(/>no item was learned, so nothing was forgotten</g)?.length).toBe(4);
    expect(page).not.toMatch(/NaN|Infinity/);
  });

  it('folds what a rule says of many scales, and loses none of it', async () => {
    const reasons = Array.from({ length: 12 }, (_, i) => `Scale ${i} learned too little.`);
    const { page } = await setup({ verdict: { reasons } });
    expect(page).toContain('5 more reasons');
    for (const reason of reasons) expect(page).toContain(reason);
  });

  it('stands without a single run of the primary arm', async () => {
    const { input } = await setup();
    const page = await pageOf({
      ...input,
      analysis: {
        ...input.analysis,
        arms: [],
        runs: [],
        curves: [],
        thresholds: [],
        shapes: { continuous: [], binary: [] },
      },
    });
    expect(page).toContain('No run of the primary arm');
    expect(page).not.toMatch(/NaN|Infinity/);
  });

  it('shows rounds for an interleaved sweep only', async () => {
    expect((await setup()).page).not.toContain('id="rounds"');
    const { page } = await setup({ interleaved: true });
    expect(page).toContain('id="rounds"');
    for (const measure of ['End score', 'Peak score', 'Relearning', 'Savings', 'Residual'])
      expect(page).toContain(measure);
  });

  it('gives every picture a description, every table a caption, every id once, every link a target', async () => {
    const { page } = await setup({ interleaved: true });
    const pictures = page.match(/<svg class="panel"/g)?.length ?? 0;
    expect(pictures).toBeGreaterThan(20);
    expect(page.match(/role="img"[^>]*><title>[^<]+<\/title>/g)?.length).toBe(pictures);
    expect(page.match(/<table><caption>/g)?.length).toBe(page.match(/<table/g)?.length);
    expect(page).not.toMatch(/<th(?! scope)[ >]/);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
  });

  it('stays under 1.5 MB with eight times as many seeds as a small sweep', async () => {
    const { page } = await setup({ scales: 6, seeds: 24, interleaved: true });
    expect(page.length).toBeLessThan(1_500_000);
  });
});

describe('the page of a sweep without a verdict', () => {
  it('says that nothing can be said, what is missing, why, and what to type, as text', () => {
    const { analysis: _, ...facts } = reportFixture({ failures: true });
    const page = noVerdictPage({
      ...facts,
      runs: facts.runs.map((run) => ({
        ...run,
        state: 'missing' as const,
        reason: 'its stage <d32> is parked: crash',
        command: 'lethe retry d32',
      })),
    });
    expect(page).toContain('NO VERDICT');
    expect(page).toContain(`${facts.runs.length} missing runs`);
    expect(page).toContain('its stage &lt;d32&gt; is parked: crash');
    expect(page).toContain('<code>lethe retry d32</code>');
    expect(page).toContain('ended by signal 9, no word of the kernel about memory');
    expect(page).not.toMatch(/undefined|analysis\.json/);
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${target}"`);
  });
});
