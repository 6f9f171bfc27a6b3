/** mulberry32: numbers of [0, 1) from a printed seed, so that a failure can be played again. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** `LETHE_TEST_SEED` when set, otherwise a new one; always printed. */
export function testSeed(): number {
  const seed = Number(process.env.LETHE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`LETHE_TEST_SEED=${seed}`);
  return seed;
}
