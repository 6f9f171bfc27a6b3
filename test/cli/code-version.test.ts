import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeVersion } from '../../src/cli/code-version.ts';

const REVISION = 'ab'.repeat(20);

describe('the code that a report names', () => {
  let image: string;
  beforeEach(() => {
    image = mkdtempSync(join(tmpdir(), 'lethe-image-'));
    writeFileSync(join(image, 'package.json'), '{"version":"1.2.3"}');
  });
  afterEach(() => {
    rmSync(image, { recursive: true });
  });

  it.each([
    ['a clean checkout', REVISION, { revision: REVISION, dirty: false }],
    ['a changed one', `${REVISION}-dirty`, { revision: REVISION, dirty: true }],
    ['nobody knows what', '', {}],
  ])('is what its image was built of: %s', async (_, built, expected) => {
    expect((await codeVersion(image, built)).code).toEqual({ version: '1.2.3', ...expected });
  });

  it('is the checkout in which it runs, whatever the environment says', async () => {
    const git = (...args: string[]) => execFileSync('git', ['-C', image, ...args], { encoding: 'utf8' }).trim();
    git('init', '--quiet');
    git('-c', 'user.name=x', '-c', 'user.email=x', 'commit', '--quiet', '--allow-empty', '--message=x');
    const { code } = await codeVersion(image, REVISION);
    expect(code).toEqual({ version: '1.2.3', revision: git('rev-parse', 'HEAD'), dirty: false });
  });
});
