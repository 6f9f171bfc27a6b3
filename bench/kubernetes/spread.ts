/** Median, 95th percentile and worst of times in milliseconds, rounded; 0 of none. */
export function spread(times: readonly number[]): {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly worstMs: number;
} {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { p50Ms: at(0.5), p95Ms: at(0.95), worstMs: at(1) };
}
