/**
 * Porter's stemmer (Porter 1980) with the amendments of NLTK, which rouge-score uses: irregular words, `ies`/`ied` of four-letter words, y → i only after a
 * consonant, `bli`, `alli`, `fulli` and `logi` in step 2, and the short-vowel words of two letters. Fixtures from rouge-score hold it word for word.
 */

const IRREGULAR = new Map<string, string>([
  ['sky', 'sky'],
  ['skies', 'sky'],
  ['dying', 'die'],
  ['lying', 'lie'],
  ['tying', 'tie'],
  ['news', 'news'],
  ['innings', 'inning'],
  ['inning', 'inning'],
  ['outings', 'outing'],
  ['outing', 'outing'],
  ['cannings', 'canning'],
  ['canning', 'canning'],
  ['howe', 'howe'],
  ['proceed', 'proceed'],
  ['exceed', 'exceed'],
  ['succeed', 'succeed'],
]);

/** Suffix, replacement: the first that matches is taken when the stem's measure allows it, and none after it. */
type Rule = readonly [suffix: string, replacement: string];

const STEP_2: readonly Rule[] = [
  ['ational', 'ate'],
  ['tional', 'tion'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['izer', 'ize'],
  ['bli', 'ble'],
  ['alli', 'al'],
  ['entli', 'ent'],
  ['eli', 'e'],
  ['ousli', 'ous'],
  ['ization', 'ize'],
  ['ation', 'ate'],
  ['ator', 'ate'],
  ['alism', 'al'],
  ['iveness', 'ive'],
  ['fulness', 'ful'],
  ['ousness', 'ous'],
  ['aliti', 'al'],
  ['iviti', 'ive'],
  ['biliti', 'ble'],
  ['fulli', 'ful'],
];

const STEP_3: readonly Rule[] = [
  ['icate', 'ic'],
  ['ative', ''],
  ['alize', 'al'],
  ['iciti', 'ic'],
  ['ical', 'ic'],
  ['ful', ''],
  ['ness', ''],
];

const STEP_4 = [
  'al',
  'ance',
  'ence',
  'er',
  'ic',
  'able',
  'ible',
  'ant',
  'ement',
  'ment',
  'ent',
  'ion',
  'ou',
  'ism',
  'ate',
  'iti',
  'ous',
  'ive',
  'ize',
] as const;

/** The stem of a lower-case word. */
export function stem(word: string): string {
  const irregular = IRREGULAR.get(word);
  if (irregular !== undefined) return irregular;
  if (word.length <= 2) return word;
  let result = plural(word);
  result = pastOrGerund(result);
  result = finalY(result);
  result = doubleSuffix(result);
  result = byRules(result, STEP_3, 0);
  result = longSuffix(result);
  result = finalE(result);
  return result.endsWith('ll') && measure(result.slice(0, -1)) > 1 ? result.slice(0, -1) : result;
}

function plural(word: string): string {
  if (word.endsWith('ies')) return word.slice(0, word.length === 4 ? -1 : -2);
  if (word.endsWith('sses')) return word.slice(0, -2);
  if (word.endsWith('ss')) return word;
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

function pastOrGerund(word: string): string {
  if (word.endsWith('ied')) return word.slice(0, word.length === 4 ? -1 : -2);
  if (word.endsWith('eed')) return measure(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word;
  const base = [word.endsWith('ed') ? word.slice(0, -2) : '', word.endsWith('ing') ? word.slice(0, -3) : ''].find(
    (candidate) => containsVowel(candidate),
  );
  if (base === undefined) return word;
  if (base.endsWith('at') || base.endsWith('bl') || base.endsWith('iz')) return `${base}e`;
  if (endsDoubleConsonant(base)) return /[lsz]$/.test(base) ? base : base.slice(0, -1);
  return measure(base) === 1 && endsConsonantVowelConsonant(base) ? `${base}e` : base;
}

function finalY(word: string): string {
  if (!word.endsWith('y')) return word;
  const base = word.slice(0, -1);
  return base.length > 1 && consonants(base)[base.length - 1] === true ? `${base}i` : word;
}

function doubleSuffix(word: string): string {
  if (word.endsWith('alli') && measure(word.slice(0, -4)) > 0) return doubleSuffix(word.slice(0, -2));
  const changed = byRules(word, STEP_2, 0);
  if (changed !== word || STEP_2.some(([suffix]) => word.endsWith(suffix))) return changed;
  return word.endsWith('logi') && measure(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word;
}

function longSuffix(word: string): string {
  const suffix = STEP_4.find((candidate) => word.endsWith(candidate));
  if (suffix === undefined) return word;
  const base = word.slice(0, -suffix.length);
  if (measure(base) <= 1) return word;
  return suffix === 'ion' && !/[st]$/.test(base) ? word : base;
}

function finalE(word: string): string {
  if (!word.endsWith('e')) return word;
  const base = word.slice(0, -1);
  const size = measure(base);
  return size > 1 || (size === 1 && !endsConsonantVowelConsonant(base)) ? base : word;
}

function byRules(word: string, rules: readonly Rule[], leastMeasure: number): string {
  for (const [suffix, replacement] of rules) {
    if (!word.endsWith(suffix)) continue;
    const base = word.slice(0, -suffix.length);
    return measure(base) > leastMeasure ? base + replacement : word;
  }
  return word;
}

/** For each letter whether it is a consonant; y is one at the start and after a vowel. */
function consonants(word: string): boolean[] {
  const flags: boolean[] = [];
  for (const letter of word) {
    if ('aeiou'.includes(letter)) flags.push(false);
    else flags.push(letter !== 'y' || flags.length === 0 || flags[flags.length - 1] === false);
  }
  return flags;
}

/** Number of vowel–consonant sequences. */
function measure(word: string): number {
  const flags = consonants(word);
  let count = 0;
  for (let i = 1; i < flags.length; i += 1) if (flags[i] === true && flags[i - 1] === false) count += 1;
  return count;
}

function containsVowel(word: string): boolean {
  return consonants(word).includes(false);
}

function endsDoubleConsonant(word: string): boolean {
  return word.length >= 2 && word.at(-1) === word.at(-2) && consonants(word).at(-1) === true;
}

function endsConsonantVowelConsonant(word: string): boolean {
  const flags = consonants(word);
  if (word.length === 2) return flags[0] === false && flags[1] === true;
  return (
    word.length >= 3 && flags.at(-3) === true && flags.at(-2) === false && flags.at(-1) === true && !/[wxy]$/.test(word)
  );
}
