/** What a job inherits of its worker's environment: enough to run a program, nothing that holds a secret. */
const INHERITED = [
  'PATH',
  'HOME',
  'USER',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'LD_LIBRARY_PATH',
  'XDG_CACHE_HOME',
] as const;

/** Settings of BLAS libraries change the order of sums, and so the bits. */
const STRIPPED = /^(OPENBLAS|OMP|GOMP|MKL)_/;

export function jobEnvironment(
  worker: Readonly<Record<string, string | undefined>>,
  job: Readonly<Record<string, string>>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = worker[name];
    if (value !== undefined) environment[name] = value;
  }
  for (const [name, value] of Object.entries(job)) if (!STRIPPED.test(name)) environment[name] = value;
  return environment;
}
