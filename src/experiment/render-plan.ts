import type { Price, PricedPlan } from './price-plan.ts';

/** The lines of `lethe plan`: a table of the scales and a total, then what would run. Plain text, no colours. */
export function renderPlan(priced: PricedPlan, planHash: string): string[] {
  const { plan, scales, total, question } = priced;
  const arms = [...new Set(plan.runs.map(({ arm }) => arm))];
  const seeds = [...new Set(plan.runs.map(({ seed }) => seed))];
  const rows = scales.map((scale) => [
    scale.model.name,
    count(scale.model.parameters),
    count(scale.model.scaleParameters),
    `${scale.runsDone}/${scale.runs}`,
    ...columnsOf(scale),
    bytes(scale.memoryBytes) + (scale.fits ? '' : ' does not fit'),
  ]);
  const header = [
    'model',
    'parameters',
    'non-embedding',
    'runs done',
    'stages done',
    'tokens',
    'FLOPs',
    'time left',
    'disk',
    'memory',
  ];
  const totals = ['total', '', '', `${total.runsDone}/${total.runs}`, ...columnsOf(total), ''];
  const smallest = Math.min(...scales.map(({ model }) => model.scaleParameters));
  const largest = Math.max(...scales.map(({ model }) => model.scaleParameters));
  const left = total.stages - total.stagesDone;
  return [
    `${plan.name}~${planHash.slice(0, 12)}: ${many(plan.models.length, 'scale')} over ${Math.log10(largest / smallest).toFixed(1)} decades × ${many(arms.length, 'arm')} (${arms.join(', ')}) × ${many(seeds.length, 'seed')} = ${many(total.runs, 'run')} in ${many(total.stages, 'stage')}`,
    '',
    ...table([header, ...rows, totals]),
    '',
    left === 0
      ? 'Everything is done: running it starts no job.'
      : `${many(left, 'stage')} would run, ${total.stagesDone} done already. At ${count(question.flopsPerSecond)}FLOP/s a slot and ${question.slots} slots: ${band(total)}.`,
    ...(total.fits
      ? []
      : [`Does not fit: a stage needs more memory than the ${bytes(question.memoryBytes ?? 0)} there are.`]),
  ];
}

function columnsOf(price: Price): string[] {
  return [
    `${price.stagesDone}/${price.stages}`,
    count(price.trainedTokens + price.scoredTokens),
    count(price.flops),
    price.stages === price.stagesDone ? '–' : band(price),
    bytes(price.diskBytes),
  ];
}

/** From the time when every stop rule fires at once to that of the step limits. */
function band({ leastSeconds, seconds }: Price): string {
  const [least, most] = [duration(leastSeconds), duration(seconds)];
  return least === most ? most : `${least} to ${most}`;
}

function many(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} days`;
}

/** 1234567 as `1.23 M`. */
export function count(value: number): string {
  const scales = [
    [1e18, 'E'],
    [1e15, 'P'],
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const;
  const scale = scales.find(([size]) => value >= size);
  return scale ? `${threeDigits(value / scale[0])} ${scale[1]}` : `${Math.round(value)}`;
}

export function bytes(value: number): string {
  const scale = (
    [
      [2 ** 40, 'TiB'],
      [2 ** 30, 'GiB'],
      [2 ** 20, 'MiB'],
      [2 ** 10, 'KiB'],
    ] as const
  ).find(([size]) => value >= size);
  return scale ? `${threeDigits(value / scale[0])} ${scale[1]}` : `${Math.round(value)} B`;
}

function threeDigits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** First column to the left, the others to the right, as numbers are read. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}
