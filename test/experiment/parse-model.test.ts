import { describe, expect, it } from 'vitest';
import { parseModel } from '../../src/experiment/parse-model.ts';

const GPT2 = 'name: m\nfamily: gpt2\nlayers: 2\nwidth: 32\nheads: 2\ncontext: 16\nvocabulary: 256\ntiedHead: true\n';

function sentences(text: string): string[] {
  const parsed = parseModel(text, { path: 'm.yaml' });
  return parsed.ok ? [] : parsed.problems.map(({ line, field, sentence }) => `${line} ${field}: ${sentence}`);
}

describe('parseModel', () => {
  it('fills in what follows from the shape', () => {
    const parsed = parseModel(GPT2, { path: 'm.yaml' });
    expect(parsed).toMatchObject({
      ok: true,
      name: 'm',
      spec: { keyValueHeads: 2, feedForward: 128, initialRange: 0.02 },
    });
  });

  it.each([
    ['heads: 2', 'heads: 3', /^5 heads: expected a number of heads that divides the width 32, got 3$/],
    ['heads: 2', 'heads: 2\nkeyValueHeads: 1', /^6 keyValueHeads: expected 2 as the gpt2 family/],
    ['layers: 2', 'layers: 0', /^3 layers: expected a whole number from 1 to 256, got 0$/],
    ['family: gpt2', 'family: gpt3', /^2 family: .*got "gpt3"$/],
    ['family: gpt2', 'family: llama', /^1 feedForward: expected the width of the gated inner layer, got nothing$/],
    ['name: m', 'name: M', /^1 name: expected a name/],
    ['width: 32', 'with: 32', /^4 with: expected one of the fields/],
  ])('refuses %s as %s', (from, to, problem) => {
    expect(sentences(GPT2.replace(from, to))[0]).toMatch(problem);
  });
});
