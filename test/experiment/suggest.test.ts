import { expect, it } from 'vitest';
import { suggest } from '../../src/experiment/suggest.ts';

const NAMES = ['forgetting', 'unsafe-review', 'task-review', 'noop-review'];

it.each([
  ['forgeting', 'forgetting'],
  ['Forgetting', 'forgetting'],
  ['forgettnig', 'forgetting'],
  ['unsafe_review', 'unsafe-review'],
  ['tsk-review', 'task-review'],
])('takes %s for %s', (written, meant) => {
  expect(suggest(written, NAMES)).toBe(meant);
});

it.each(['', 'x', 'pretrain', 'review'])('does not guess at %j', (written) => {
  expect(suggest(written, NAMES)).toBeUndefined();
});
