import type { Verdict } from '../statistics/verdict.ts';

/** The verdict's sentence without the word that stands above it, its scope in brackets apart. Nothing is reworded. */
export function sentenceParts(verdict: Verdict): { readonly claim: string; readonly scope: string } {
  const prefix = `${verdict.verdict}: `;
  const whole = verdict.sentence.startsWith(prefix) ? verdict.sentence.slice(prefix.length) : verdict.sentence;
  const match = /^(.*?) \(([^()]*)\)\.?$/s.exec(whole);
  const claim = match?.[1] ?? whole.replace(/\.$/, '');
  return { claim: `${claim.charAt(0).toUpperCase()}${claim.slice(1)}.`, scope: match?.[2] ?? '' };
}
