import type { ModelSpec, RopeScaling } from './stage-spec.ts';

/** Every published model of this kind has these two factors. */
const LOW = 1;
const HIGH = 4;
/** Converters compute the blend in double or float. */
const TOLERANCE = 1e-4;

/**
 * The numbers of Llama 3's rope scaling, found again from the divisors of the frequencies, which is all that a GGUF file holds of it. The largest
 * divisor is the factor; the context of the pretraining was a power of two. Undefined when no such numbers give these divisors.
 */
export function llama3Scaling(model: ModelSpec, divisors: readonly number[]): RopeScaling | undefined {
  const half = model.width / model.heads / 2;
  if (divisors.length !== half) return undefined;
  const factor = Math.max(...divisors);
  for (let original = 256; original <= 2 ** 20; original *= 2) {
    const fits = divisors.every((divisor, pair) => {
      const wavelength = 2 * Math.PI * model.ropeBase ** (pair / half);
      return Math.abs(divisorOf(wavelength, factor, original) - divisor) <= TOLERANCE * divisor;
    });
    if (fits)
      return { kind: 'llama3', factor, lowFrequencyFactor: LOW, highFrequencyFactor: HIGH, originalContext: original };
  }
  return undefined;
}

/** Long waves are divided by the factor, short ones stay, between them a blend. */
function divisorOf(wavelength: number, factor: number, original: number): number {
  if (wavelength > original / LOW) return factor;
  if (wavelength < original / HIGH) return 1;
  const blend = (original / wavelength - LOW) / (HIGH - LOW);
  return 1 / ((1 - blend) / factor + blend);
}
