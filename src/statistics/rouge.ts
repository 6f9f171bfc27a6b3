import { stem } from './porter-stemmer.ts';

/** Words of a text as ROUGE counts them: lower case, runs of [a-z0-9], words longer than 3 letters stemmed (rouge-score 0.1.2 with its stemmer on). */
export function rougeWords(text: string): string[] {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return words.map((word) => (word.length > 3 ? stem(word) : word));
}

/** ROUGE-1 F of a prediction against a reference, 0–1: shared words as multisets; 0 when either is empty. */
export function rouge1(reference: string, prediction: string): number {
  const referenceWords = rougeWords(reference);
  const predictionWords = rougeWords(prediction);
  if (referenceWords.length === 0 || predictionWords.length === 0) return 0;
  const counts = new Map<string, number>();
  for (const word of referenceWords) counts.set(word, (counts.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of predictionWords) {
    const left = counts.get(word) ?? 0;
    if (left === 0) continue;
    counts.set(word, left - 1);
    shared += 1;
  }
  const precision = shared / predictionWords.length;
  const recall = shared / referenceWords.length;
  return precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0;
}
