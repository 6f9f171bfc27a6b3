import { describe, expect, it } from 'vitest';
import { formatProblems } from '../../src/experiment/parse-sweep.ts';
import { edited, parseSample, SAMPLE_TEXT, sampleSweep } from './sample-sweep.ts';

/** The problems of the sample after one change, as `line field: sentence (suggestion)`. */
function problemsOf(text: string): string[] {
  const parsed = parseSample(text);
  return parsed.ok
    ? []
    : parsed.problems.map(
        ({ line, field, sentence, suggestion }) =>
          `${line} ${field}: ${sentence}${suggestion ? ` (${suggestion})` : ''}`,
      );
}

describe('parseSweep, a file that is right', () => {
  it('fills in notion, split, defaults and the scored examples', () => {
    const sweep = sampleSweep();
    expect(sweep.sessions.review.train).toEqual([{ notion: 'disclosure', class: 'safe', split: 'review', count: 16 }]);
    expect(sweep.sessions.review.score).toEqual(sweep.sessions.finetune.train);
    expect(sweep.sessions.align?.score).toEqual([]);
    expect(sweep.sessions.finetune.optimizer).toMatchObject({ learningRate: 0.001, beta1: 0.9, clipNorm: 1 });
    expect(sweep.sessions.replay).toEqual([{ notion: 'disclosure', class: 'safe', split: 'replay', count: 16 }]);
    expect(sweep.models.map(({ name, learningRate }) => [name, learningRate])).toEqual([
      ['one', undefined],
      ['two', 0.003],
      ['three', undefined],
    ]);
  });

  it('scores what a session with a stop rule trains on, when it names nothing else', () => {
    const sweep = sampleSweep(['steps: 20\n', 'steps: 20\n    stop: { everySteps: 10, exactMatch: 0.9 }\n']);
    expect(sweep.sessions.align?.score).toEqual(sweep.sessions.align?.train);
  });

  it('lets a session override the shared training, and a round override its session', () => {
    const sweep = sampleSweep(['    steps: 40\n', '    steps: 40\n    batch: 8\n    schedule: cosine\n']);
    expect(sweep.sessions.finetune).toMatchObject({ batch: 8, schedule: { kind: 'cosine', warmupSteps: 0 } });
    expect(sweep.sessions.review.batch).toBe(16);
    expect(sweep.sessions.interleaved?.finetune).toMatchObject({ batch: 8, steps: 40, anchors: [0, 10, 20, 30, 40] });
    expect(sweep.sessions.interleaved?.finetune.stop).toBeUndefined();
    expect(sweep.sessions.interleaved?.review).toMatchObject({ steps: 20, anchors: [0, 10] });
  });

  it('reads seeds as a range and turns control arms into expectations of the analysis', () => {
    const sweep = sampleSweep(
      ['seeds: [1, 2]', 'seeds: 3..6'],
      ['[forgetting, unsafe-review]', '[noop-review, forgetting]'],
    );
    expect(sweep.seeds).toEqual([3, 4, 5, 6]);
    expect(sweep.analysis).toMatchObject({
      primaryArm: 'forgetting',
      controls: [{ arm: 'noop-review', kind: 'noop-review' }],
      notion: 'disclosure',
      anchorFraction: 10 / 30,
      smallestEffect: 0.1,
    });
  });

  it('keeps how it is carried out apart from what is asked', () => {
    const text = `${SAMPLE_TEXT}parallel: 4\ncanary: stage\nresources: { cores: 2, memory: 1.5GiB }\nretries: { crash: 1, out-of-memory: 0 }\n`;
    const parsed = parseSample(text);
    if (!parsed.ok) throw new Error(formatProblems(parsed.problems));
    expect(parsed.sweep.execution).toEqual({
      parallel: 4,
      canary: 'stage',
      retries: { crash: 1, 'out-of-memory': 0 },
      resources: { cores: 2, memoryBytes: 1.5 * 2 ** 30 },
    });
  });
});

describe('parseSweep, a file that is wrong', () => {
  it('reports everything at once, by line, with field, bound, what came and what was meant', () => {
    const parsed = parseSample(
      edited(
        ['name: sample', 'name: Sample.One'],
        ['models: [one,', 'models: [onee,'],
        ['unsafe-review]', 'unsafe-reviw]'],
        ['notion: disclosure', 'notion: disclosur'],
        ['  batch: 16', '  batches: 16'],
        ['count: 16 }\n      - { class: safe', 'count: 0 }\n      - { clas: safe'],
        ['everySteps: 20, exactMatch: 0.9', 'everySteps: 20, exactMatch: 9'],
        ['learningRateFactor: 0.5', 'learningRateFactor: half'],
        ['anchorStep: 10', 'anchorStep: 10\n  alphas: 0.05'],
      ),
    );
    expect(parsed.ok).toBe(false);
    if (parsed.ok) return;
    expect(formatProblems(parsed.problems)).toMatchInlineSnapshot(`
      "sample.yaml:1: name: expected a name of 1 to 40 characters: lower-case letters, digits and hyphens, a letter or digit first and last, got "Sample.One"
      sample.yaml:2: models[0]: expected a model of the catalog, one of few-words, llama-one, one, one-again, short, three, two; got "onee" (did you mean "one"?)
      sample.yaml:3: arms[1]: expected a known value, one of forgetting, unsafe-review, task-review, mismatched-review, noop-review, label-swap, safety-replay, interleaved; got "unsafe-reviw" (did you mean "unsafe-review"?)
      sample.yaml:8: data.notion: expected a known value, one of disclosure, permission; got "disclosur" (did you mean "disclosure"?)
      sample.yaml:10: training.batches: expected one of the fields learningRate, batch, learningRateFactor, beta1, beta2, epsilon, weightDecay, clipNorm, schedule, warmupSteps, lossOn, maxNewTokens, tuning, frozenWeights; got "batches" (did you mean "batch"?)
      sample.yaml:20: sessions.finetune.train[0].count: expected a whole number from 1 to 4000, got 0
      sample.yaml:21: sessions.finetune.train[1].class: expected one of unsafe, safe, task, got nothing
      sample.yaml:21: sessions.finetune.train[1].clas: expected one of the fields notion, class, split, count; got "clas" (did you mean "class"?)
      sample.yaml:25: sessions.finetune.stop.exactMatch: expected a number from 0 to 1, got 9
      sample.yaml:29: sessions.review.learningRateFactor: expected a number from 0 to 1000, got "half"
      sample.yaml:38: analysis.alphas: expected one of the fields primaryArm, anchorStep, scaleClaim, smallestEffect, rougeDrop, alpha, learnedShare, learnedProbability, bootstrapDraws, simulationDraws, seed; got "alphas" (did you mean "alpha"?)"
    `);
  });

  it.each<[claim: string, from: string, to: string, problem: RegExp]>([
    ['an unknown model', '[one,', '[ome,', /^2 models\[0\]: expected a model of the catalog.*got "ome" \(one\)$/],
    ['a model twice', ' three]', ' three, one]', /^2 models\[3\]: expected a model once, got "one" again$/],
    ['two names for one shape', ' three]', ' three, one-again]', /^2 models\[3\]: .*one-again with the shape of one$/],
    ['mixed families', ' three]', ' three, llama-one]', /^2 models\[3\]: expected one family in a ladder/],
    [
      'a context that is too short',
      ' three]',
      ' three, short]',
      /^2 models\[3\]: expected a context of at least 9 tokens.*with 8$/,
    ],
    [
      'a vocabulary that is too small',
      ' three]',
      ' three, few-words]',
      /^2 models\[3\]: expected a vocabulary of at least 253.*with 200$/,
    ],
    ['fewer than three scales', ', three]', ']', /^2 models: expected at least 3 scales.*got 2$/],
    ['an arm twice', 'unsafe-review]', 'forgetting]', /^3 arms\[1\]: expected an arm once, got "forgetting" again$/],
    [
      'an arm that comes later',
      'unsafe-review]',
      'forget-filter]',
      /^3 arms\[1\]: expected a known value, one of forgetting, .*got "forget-filter"/,
    ],
    ['a seed twice', '[1, 2]', '[1, 1, 2]', /^4 seeds\[1\]: expected a seed once, got 1 again$/],
    ['a single seed', '[1, 2]', '[1]', /^4 seeds: expected at least 2 seeds/],
    ['an empty range of seeds', '[1, 2]', '5..2', /^4 seeds: expected a range from its lower to its higher end/],
    [
      'CUDA',
      'seeds:',
      'backend: cuda\nseeds:',
      /^4 backend: expected cpu, got cuda: this trainer was built without CUDA$/,
    ],
    [
      'an anchor beyond the steps',
      '[0, 10, 20]',
      '[0, 10, 50]',
      /^31 sessions\.review\.anchors\[2\]: expected an anchor within the session's 30 steps, got 50$/,
    ],
    [
      'anchors out of order',
      '[0, 10, 20]',
      '[0, 20, 10]',
      /^31 sessions\.review\.anchors\[2\]: expected anchors in rising order, got 10 after 20$/,
    ],
    [
      'an analysis step without anchor',
      'anchorStep: 10',
      'anchorStep: 15',
      /^37 analysis\.anchorStep: expected an anchor of the review \(0, 10, 20, 30\), got 15$/,
    ],
    [
      'a stop rule that never checks',
      'everySteps: 20',
      'everySteps: 60',
      /^25 sessions\.finetune\.stop\.everySteps: expected a check within/,
    ],
    [
      'a review that stops by itself',
      'steps: 30',
      'steps: 30\n    stop: { everySteps: 10, exactMatch: 0.9 }',
      /^31 sessions\.review\.stop: expected a review without stop rule/,
    ],
    [
      'a noisy set without task examples',
      '      - { class: task, count: 16 }\n',
      '',
      /^19 sessions\.finetune\.train: .*got none of task/,
    ],
    [
      'a part twice',
      '{ class: task, count: 16 }',
      '{ class: task, count: 16 }\n      - { class: safe, count: 8 }',
      /^23 sessions\.finetune\.train\[3\]: expected parts that differ/,
    ],
    [
      'a primary arm that is not run',
      'anchorStep: 10',
      'anchorStep: 10\n  primaryArm: label-swap',
      /^38 analysis\.primaryArm: expected an arm of this sweep/,
    ],
    ['a missing section', 'analysis:\n  anchorStep: 10\n', '', /^1 analysis: expected a mapping with .*got nothing$/],
    ['a field twice', 'seeds: [1, 2]', 'seeds: [1, 2]\nname: other', /^5 : expected YAML, got map keys must be unique/],
    [
      'a name with a dot',
      'name: sample',
      'name: sample.v2',
      /^1 name: expected a name of 1 to 40 characters.*got "sample\.v2"$/,
    ],
    [
      'a size without unit',
      'seeds:',
      'resources: { memory: 2 }\nseeds:',
      /^4 resources\.memory: expected a size such as 512MiB or 2GiB, got 2$/,
    ],
    [
      'an unknown retry class',
      'seeds:',
      'retries: { crashed: 2 }\nseeds:',
      /^4 retries\.crashed: expected one of the fields .* \(crash\)$/,
    ],
    [
      'a list that is a word',
      '[1, 2]',
      '{ a: 1 }',
      /^4 seeds: expected a list of seeds such as .*got a mapping with a$/,
    ],
    ['a part that is a word', '{ class: task, count: 16 }', 'task', /train\[2\]: expected a mapping, got "task"$/],
    [
      'a stop rule that is a word',
      '{ everySteps: 20, exactMatch: 0.9 }',
      'on',
      /^25 .*: expected off, or \{ everySteps.*got "on"$/,
    ],
    [
      'half a stop rule',
      '{ everySteps: 20, exactMatch: 0.9 }',
      '{ everySteps: 20 }',
      /^25 .*stop\.exactMatch: expected .*got nothing$/,
    ],
    ['an endless number', 'seeds:', 'stallSeconds: .inf\nseeds:', /^4 stallSeconds: .*got Infinity$/],
    ['an empty field', 'seeds:', 'parallel:\nseeds:', /^4 parallel: expected a whole number from 1 to 500, got null$/],
  ])('refuses %s', (_, from, to, problem) => {
    const problems = problemsOf(edited([from, to]));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  it('asks for the rounds when the interleaved arm is asked for', () => {
    const text = edited(['unsafe-review]', 'interleaved]']).replace(/ {2}interleaved:\n(?: {4}.*\n)+/, '');
    expect(problemsOf(text)).toEqual([expect.stringMatching(/^12 sessions: expected a section `interleaved`/)]);
  });

  it('allows one scale and one seed in a sweep that claims nothing about scale', () => {
    const text = edited(
      ['[one, { name: two, learningRate: 0.003 }, three]', '[one]'],
      ['[1, 2]', '[1]'],
      ['anchorStep: 10', 'anchorStep: 10\n  scaleClaim: false'],
    );
    expect(problemsOf(text)).toEqual([]);
  });

  it.each(['', '[]', '- a\n- b', 'just words', 'a: [1', 'a: *nowhere', '\u0000'])(
    'says what is wrong with %j',
    (text) => {
      expect(problemsOf(text).length).toBeGreaterThan(0);
    },
  );

  it('refuses a file of more than 256 KiB and aliases that explode', () => {
    expect(problemsOf(`# ${'x'.repeat(300_000)}\n${SAMPLE_TEXT}`)).toEqual([
      expect.stringContaining('at most 262144 bytes'),
    ]);
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefgh'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[i]}`).join(', ')}]`),
    ];
    expect(problemsOf(bomb.join('\n'))[0]).toContain('expected YAML that can be expanded');
  });

  it('never throws, whatever single line of the file is lost or doubled', () => {
    const lines = SAMPLE_TEXT.split('\n');
    for (const index of lines.keys()) {
      expect(() => parseSample(lines.toSpliced(index, 1).join('\n'))).not.toThrow();
      expect(() => parseSample(lines.toSpliced(index, 0, lines[index]!).join('\n'))).not.toThrow();
      expect(() => parseSample(lines.with(index, lines[index]!.replace(/:.*/, ': null')).join('\n'))).not.toThrow();
    }
  });
});
