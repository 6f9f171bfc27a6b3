/** Maps data to pixels. `ticks` are values of the data. */
export interface Scale {
  readonly domain: readonly [number, number];
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

export function linearScale(domain: readonly [number, number], range: readonly [number, number], wanted = 5): Scale {
  const [low, high] = domain;
  const span = high - low || 1;
  return {
    domain,
    at: (value) => range[0] + ((value - low) / span) * (range[1] - range[0]),
    ticks: niceTicks(low, high, wanted),
  };
}

/** log10 axis whose ticks are the given values (the scales that were measured), padded by a tenth of its span at either side. */
export function logScale(values: readonly number[], range: readonly [number, number]): Scale {
  const logs = values.map(Math.log10);
  const low = Math.min(...logs);
  const high = Math.max(...logs);
  const pad = high > low ? (high - low) * 0.07 : 0.5;
  const span = high - low + 2 * pad;
  return {
    domain: [10 ** (low - pad), 10 ** (high + pad)],
    at: (value) => range[0] + ((Math.log10(value) - low + pad) / span) * (range[1] - range[0]),
    ticks: [...new Set(values)].sort((a, b) => a - b),
  };
}

/** Multiples of 1, 2 or 5 × 10ⁿ within [low, high], about `wanted` of them. */
export function niceTicks(low: number, high: number, wanted: number): readonly number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.8) ?? 10) * power;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
    ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** A domain that holds all finite values and the anchors (such as 0), widened to ticks of `step`. */
export function domainOf(
  values: readonly (number | undefined)[],
  step: number,
  always: readonly number[],
): [number, number] {
  const finite = [
    ...always,
    ...values.filter((value): value is number => value !== undefined && Number.isFinite(value)),
  ];
  const low = Math.floor(Math.min(...finite) / step + 1e-9) * step;
  const high = Math.ceil(Math.max(...finite) / step - 1e-9) * step;
  return [Number(low.toPrecision(12)), Number((high === low ? low + step : high).toPrecision(12))];
}
