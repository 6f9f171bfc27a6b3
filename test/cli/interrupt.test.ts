import { describe, expect, it } from 'vitest';
import { listenForInterrupts } from '../../src/cli/interrupt.ts';

/** Presses at the given times in ms; signals go to this very process, as a terminal sends them. */
async function setup(presses: readonly number[]): Promise<{ first: boolean; second: boolean }> {
  let time = 0;
  using interrupts = listenForInterrupts(() => time);
  for (const at of presses) {
    time = at;
    process.emit('SIGINT');
  }
  return { first: interrupts.first.aborted, second: interrupts.second.aborted };
}

describe('Ctrl-C', () => {
  it('detaches at the first press', async () => expect(await setup([0])).toEqual({ first: true, second: false }));

  it('takes a signal that came by two ways for one press', async () => {
    expect(await setup([0, 3])).toEqual({ first: true, second: false });
  });

  it('stops at the second press', async () =>
    expect(await setup([0, 3, 900, 902])).toEqual({ first: true, second: true }));

  it('leaves the process as it found it', async () => {
    const before = process.listenerCount('SIGINT');
    await setup([0]);
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});
