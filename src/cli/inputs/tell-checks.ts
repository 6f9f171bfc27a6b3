import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Output } from '../terminal/output.ts';
import type { Checked } from './check-inputs.ts';

/** Checks inputs one by one and says of each what is wrong with it; `addAgain` is the command that mends a damaged one. */
export async function tellChecks<Manifest extends { readonly digest: string }>(
  output: Output,
  names: readonly string[],
  check: (name: string) => Promise<Checked<Manifest>>,
  addAgain: (manifest: Manifest) => string,
): Promise<ExitCode> {
  let bad = 0;
  for (const name of names) {
    const { manifest, faults } = await check(name);
    output.record({ name, digest: manifest.digest, faults });
    if (faults.length === 0) {
      output.line(`${name}: as it was added (${manifest.digest.slice(0, 12)})`);
      continue;
    }
    bad += 1;
    for (const fault of faults) output.line(fault);
    output.line(`${name}: damaged; mend it by adding it again: ${addAgain(manifest)} --name ${name}`);
  }
  return bad > 0 ? EXIT.incomplete : EXIT.done;
}
