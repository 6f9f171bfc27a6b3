/**
 * Standard error of a mean whose items come in clusters (Miller, arXiv 2411.00640, appendix A, with the factor C/(C−1) for few clusters):
 * √( C/(C−1) · Σ_c (Σ_{i∈c} (s_i − s̄))² ) / n. NaN with fewer than two clusters.
 */
export function clusteredError(values: ArrayLike<number>, clusters: ArrayLike<number>): number {
  const n = values.length;
  let sum = 0;
  for (let i = 0; i < n; i += 1) sum += values[i] as number;
  const influence = new Float64Array(n);
  for (let i = 0; i < n; i += 1) influence[i] = ((values[i] as number) - sum / n) / n;
  return clusteredErrorOfInfluence([{ influence, clusters }]);
}

/**
 * The same for a difference of two means: items of both classes that share a template share their cluster, so that their covariance counts.
 * The clusters are those that have items in either class.
 */
export function clusteredErrorOfDifference(
  a: { readonly values: ArrayLike<number>; readonly clusters: ArrayLike<number> },
  b: { readonly values: ArrayLike<number>; readonly clusters: ArrayLike<number> },
): number {
  const parts = [a, b].map((side, index) => {
    const n = side.values.length;
    let sum = 0;
    for (let i = 0; i < n; i += 1) sum += side.values[i] as number;
    const influence = new Float64Array(n);
    const sign = index === 0 ? 1 : -1;
    for (let i = 0; i < n; i += 1) influence[i] = (sign * ((side.values[i] as number) - sum / n)) / n;
    return { influence, clusters: side.clusters };
  });
  return clusteredErrorOfInfluence(parts);
}

function clusteredErrorOfInfluence(
  parts: readonly { readonly influence: Float64Array; readonly clusters: ArrayLike<number> }[],
): number {
  const sums = new Map<number, number>();
  for (const { influence, clusters } of parts) {
    for (let i = 0; i < influence.length; i += 1) {
      const cluster = clusters[i] as number;
      sums.set(cluster, (sums.get(cluster) ?? 0) + (influence[i] as number));
    }
  }
  const count = sums.size;
  if (count < 2) return Number.NaN;
  // Cluster numbers stand for names in sorted order: sums in key order give the same bits whatever order the rows came in.
  let squares = 0;
  for (const cluster of [...sums.keys()].sort((p, q) => p - q)) squares += (sums.get(cluster) as number) ** 2;
  return Math.sqrt((count / (count - 1)) * squares);
}
