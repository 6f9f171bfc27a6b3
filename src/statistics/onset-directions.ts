const GRID_POINTS = 9;
const LEAST_SCALES = 4;

/** An onset at ψ as a unit vector over the scales, free of what a straight line explains. */
export interface OnsetDirection {
  readonly onset: number;
  readonly unit: readonly number[];
}

/**
 * The directions of T2: for ψ on 9 points between the second and the last but one scale, the unit residual of (x − ψ)₊ after {1, x}, each scale
 * weighted by √seeds. Empty with fewer than 4 scales: three means cannot tell an onset from a bent line.
 */
export function onsetDirections(x: readonly number[], counts: readonly number[]): readonly OnsetDirection[] {
  if (x.length < LEAST_SCALES || counts.some((count) => count === 0)) return [];
  const first = x[1] as number;
  const last = x[x.length - 2] as number;
  const roots = counts.map(Math.sqrt);
  const directions: OnsetDirection[] = [];
  for (let i = 0; i < GRID_POINTS; i += 1) {
    const onset = first + ((last - first) * i) / (GRID_POINTS - 1);
    const hinge = x.map((at, k) => (roots[k] as number) * Math.max(0, at - onset));
    const unit = residualAfterLine(hinge, x, roots);
    const length = Math.sqrt(unit.reduce((sum, value) => sum + value * value, 0));
    if (length > 1e-12) directions.push({ onset, unit: unit.map((value) => value / length) });
  }
  return directions;
}

function residualAfterLine(values: readonly number[], x: readonly number[], roots: readonly number[]): number[] {
  let weight = 0;
  let sumX = 0;
  let sumY = 0;
  x.forEach((at, k) => {
    const root = roots[k] as number;
    weight += root * root;
    sumX += root * root * at;
    sumY += root * (values[k] as number);
  });
  const meanX = sumX / weight;
  const meanY = sumY / weight;
  let xx = 0;
  let xy = 0;
  x.forEach((at, k) => {
    const root = roots[k] as number;
    xx += (root * (at - meanX)) ** 2;
    xy += root * (at - meanX) * ((values[k] as number) - root * meanY);
  });
  const slope = xy / xx;
  return values.map((value, k) => value - (roots[k] as number) * (meanY + slope * ((x[k] as number) - meanX)));
}
