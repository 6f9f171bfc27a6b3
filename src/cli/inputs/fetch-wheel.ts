import { z } from 'zod';
import { BadInput } from '../exit-codes.ts';
import { fetchUrl, type OnBytes } from './fetch-url.ts';

const JSON_INDEX = 'application/vnd.pypi.simple.v1+json';

const indexSchema = z.object({
  files: z.array(
    z.object({
      filename: z.string(),
      url: z.string(),
      hashes: z.record(z.string(), z.string()),
      yanked: z.union([z.boolean(), z.string()]).optional(),
    }),
  ),
});

/**
 * Fetches the wheel of a Python package that runs everywhere (`py3-none-any`) without Python, from the index that `$PIP_INDEX_URL` names; its sum is the index's.
 * `NAME` takes the newest release, `NAME==VERSION` that one.
 */
export async function fetchWheel(asked: string, folder: string, onBytes?: OnBytes): Promise<string> {
  const [name = '', version] = asked.split('==');
  const project = name.toLowerCase().replace(/[-_.]+/g, '-');
  const index = process.env.PIP_INDEX_URL || '';
  if (index === '')
    throw new BadInput(
      `package:${asked}: expected python3 with pip, or $PIP_INDEX_URL with the address of a package index ("https://…/simple"), found neither; in a cluster the variable is taken from the command's environment, then from the worker's container`,
    );
  const page = `${index.replace(/\/$/, '')}/${project}/`;
  const answer = await fetch(page, { headers: { accept: JSON_INDEX } }).catch((error: Error) => {
    throw new BadInput(
      `the package index ${page} cannot be reached: ${(error.cause as Error | undefined)?.message ?? error.message}`,
    );
  });
  if (!answer.ok) throw new BadInput(`expected the package ${name} in the index, ${page} answered ${answer.status}`);
  const listed = indexSchema.safeParse(await answer.json().catch(() => undefined));
  if (!listed.success) throw new BadInput(`${page}: expected an index in JSON (${JSON_INDEX}), got another answer`);
  const wheels = listed.data.files
    .filter(({ filename, yanked }) => filename.endsWith('-none-any.whl') && !yanked)
    .map((file) => ({ ...file, version: file.filename.split('-')[1] ?? '' }))
    .filter((file) => (version === undefined ? /^[0-9.]+$/.test(file.version) : file.version === version))
    .sort((a, b) => b.version.localeCompare(a.version, 'en', { numeric: true }));
  const [newest] = wheels;
  if (newest === undefined) throw new BadInput(`expected a wheel of ${asked} for any machine in ${page}, found none`);
  const url = new URL(newest.url, page);
  url.hash = newest.hashes.sha256 === undefined ? '' : `sha256=${newest.hashes.sha256}`;
  return fetchUrl(url.href, folder, onBytes);
}
