import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canonicalJson, digestOf } from '../../src/experiment/canonical-json.ts';
import { freezePlan } from '../../src/experiment/freeze-plan.ts';
import { stageKey } from '../../src/experiment/stage-key.ts';
import type { StageSpec } from '../../src/experiment/stage-spec.ts';
import { ALL_ARMS, sampleSweep } from './sample-sweep.ts';

const golden = JSON.parse(readFileSync(new URL('stage-key.golden.json', import.meta.url), 'utf8')) as {
  spec: StageSpec;
  key: string;
  planHash: string;
  keys: Record<string, string>;
};

describe('stageKey', () => {
  it('keeps the key of a written spec: whoever changes the scheme makes every finished stage worthless', () => {
    expect(stageKey(golden.spec)).toBe(golden.key);
  });

  it('keeps the keys and the hash of a whole plan', () => {
    const { plan, planHash } = freezePlan(sampleSweep(['arms: [forgetting, unsafe-review]', ALL_ARMS]));
    expect(Object.fromEntries(plan.stages.map(({ label, key }) => [label, key]))).toEqual(golden.keys);
    expect(planHash).toBe(golden.planHash);
  });

  it('does not depend on the order of fields', () => {
    const turned = Object.fromEntries(Object.entries(golden.spec).reverse()) as unknown as StageSpec;
    expect(stageKey(turned)).toBe(golden.key);
  });

  it('changes with every field of the spec', () => {
    const seen = new Set([golden.key]);
    for (const changed of variants(golden.spec)) seen.add(stageKey(changed as StageSpec));
    expect(seen.size).toBe([...variants(golden.spec)].length + 1);
    expect(seen.size).toBeGreaterThan(40);
  });

  it('is the same with and without remembered fragments', () => {
    const fragments = new WeakMap<object, string>();
    const { model, train } = golden.spec;
    fragments.set(model, canonicalJson(model));
    fragments.set(train!, canonicalJson(train));
    expect(stageKey(golden.spec, fragments)).toBe(golden.key);
  });
});

describe('canonicalJson', () => {
  it('sorts keys by code unit, leaves out undefined, and has no white space', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'ü\n' }], a: undefined, B: 1e-8, é: true })).toBe(
      '{"B":1e-8,"b":[1,{"c":"ü\\n","d":null}],"é":true}',
    );
    expect([canonicalJson({}), canonicalJson([]), canonicalJson(-0)]).toEqual(['{}', '[]', '0']);
  });

  it('is what JSON.parse reads back', () => {
    expect(JSON.parse(canonicalJson(golden.spec))).toEqual(golden.spec);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, () => 1, Symbol('x'), 1n])(
    'refuses what JSON cannot hold (%s)',
    (value) => {
      expect(() => canonicalJson({ value })).toThrow(TypeError);
    },
  );

  it('has the digest that sha256sum gives', () => {
    expect(digestOf({ b: 1, a: 'x' })).toBe('cdab067e9f3beb32d1252cfd63e492592fecbf591b0d08cadb24bb17f3864246');
  });
});

/** The spec with one leaf changed at a time. */
function* variants(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) for (const changed of variants(item)) yield value.with(index, changed);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, field] of Object.entries(value))
      for (const changed of variants(field)) yield { ...value, [name]: changed };
  } else if (typeof value === 'number') yield value + 1;
  else if (typeof value === 'boolean') yield !value;
  else yield `${String(value)}x`;
}
