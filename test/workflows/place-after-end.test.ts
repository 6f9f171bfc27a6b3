import { describe, expect, it } from 'vitest';
import { placeAfterEnd } from '../../src/workflows/place-after-end.ts';

const gone = { kind: 'gone', why: 'terminated' } as const;

describe('a stage whose workflow has ended', () => {
  it('waits again when it ended without a decision, but not for ever', () => {
    expect(placeAfterEnd(gone, false, 5)).toEqual({ state: 'waiting' });
    expect(placeAfterEnd(gone, false, 6)).toMatchObject({ state: 'parked', reason: { class: 'internal' } });
  });

  it('waits when this sweep stopped it itself, or another sweep cancelled its own', () => {
    expect(placeAfterEnd({ kind: 'cancelled', elsewhere: false }, true, 1)).toEqual({ state: 'waiting' });
    expect(placeAfterEnd({ kind: 'cancelled', elsewhere: true }, false, 1)).toEqual({ state: 'waiting' });
  });

  it('is parked when somebody cancelled it by hand', () => {
    const place = placeAfterEnd({ kind: 'cancelled', elsewhere: false }, false, 1);
    expect(place).toMatchObject({ state: 'parked', reason: { class: 'cancelled by hand' } });
  });
});
