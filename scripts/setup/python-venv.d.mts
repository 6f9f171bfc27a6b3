export function ensurePythonVenv(options: {
  readonly name: string;
  readonly packages?: readonly string[];
  /** An environment that is there already. */
  readonly given?: string | undefined;
}): Promise<string>;
