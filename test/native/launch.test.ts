import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LaunchedLocally } from '../../src/artifacts/launched.ts';
import { LAUNCH, readJson, start, temporaryStore } from './support/trainer.ts';

let folder: ReturnType<typeof temporaryStore>;
beforeEach(() => {
  folder = temporaryStore();
});
afterEach(() => folder.remove());

function launch(command: readonly string[], environment: Record<string, string> = {}) {
  return start(LAUNCH, ['--attempt-dir', folder.path, '--', ...command], environment);
}

const log = () => readFileSync(join(folder.path, 'log.txt'), 'utf8');

describe('lethe-launch', () => {
  it('becomes the job under the pid and start time that launched.json names', async () => {
    const script =
      'cat /proc/$$/stat; ps -o sid=,pgid= -p $$; readlink /proc/$$/fd/0; ls /proc/$$/fd | wc -l; trap "" TERM; trap; exit 7';
    const { child, exit } = launch(['sh', '-c', script]);
    expect((await exit).code).toBe(7);
    const launched = readJson<LaunchedLocally>(folder.path, 'launched.json');
    expect(launched).toMatchObject({ format: 'lethe-launched/1', pid: child.pid, host: hostname() });
    expect(launched.bootId).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
    expect(Math.abs(Date.parse(launched.launchedAt) - Date.now())).toBeLessThan(60_000);
    expect(readFileSync(launched.oomSource ?? '', 'utf8')).toMatch(new RegExp(`^oom_kill ${launched.oomKills}$`, 'm'));
    const [stat = '', session = '', input = '', descriptors = ''] = log().split('\n');
    expect(stat.split(') ')[1]?.split(' ')[19]).toBe(String(launched.startTime));
    expect(session.trim().split(/ +/)).toEqual([String(child.pid), String(child.pid)]);
    expect(input).toBe('/dev/null');
    expect(Number(descriptors)).toBeLessThanOrEqual(4);
    expect(readdirSync(folder.path).sort()).toEqual(['launched.json', 'log.txt']);
  });

  it('runs the job of an attempt once, however many are started', async () => {
    const all = Array.from({ length: 12 }, () => launch(['sh', '-c', 'echo ran $$']));
    const exits = await Promise.all(all.map(({ exit }) => exit));
    expect(exits.map(({ code }) => code)).toEqual(Array(12).fill(0));
    expect(log()).toMatch(/^ran \d+\n$/);
    expect(log()).toBe(`ran ${readJson<LaunchedLocally>(folder.path, 'launched.json').pid}\n`);
    expect(readdirSync(folder.path).sort()).toEqual(['launched.json', 'log.txt']);
  });

  it('appends to the log', async () => {
    appendFileSync(join(folder.path, 'log.txt'), 'before\n');
    await launch(['sh', '-c', 'echo out; echo err >&2']).exit;
    expect(log()).toBe('before\nout\nerr\n');
  });

  it('keeps settings of BLAS libraries out and everything else in', async () => {
    await launch(['env'], {
      OPENBLAS_NUM_THREADS: '4',
      OMP_NUM_THREADS: '2',
      MKL_CBWR: 'x',
      GOMP_CPU_AFFINITY: '0',
      POD_UID: 'abc',
    }).exit;
    expect(log()).toContain('POD_UID=abc\n');
    expect(log()).not.toMatch(/OPENBLAS|OMP|MKL/);
  });

  it('says in the log which program could not be started, and ends with 70', async () => {
    expect((await launch(['/no/such/program']).exit).code).toBe(70);
    expect(log()).toBe('lethe-launch: could not start /no/such/program: No such file or directory\n');
    expect(existsSync(join(folder.path, 'launched.json'))).toBe(true);
  });

  it('ends with 74 without running anything when the folder is not there', async () => {
    const { code, output } = await start(LAUNCH, [
      '--attempt-dir',
      join(folder.path, 'none'),
      '--',
      'touch',
      join(folder.path, 'ran'),
    ]).exit;
    expect(code).toBe(74);
    expect(output).toContain('its folder is gone');
    expect(existsSync(join(folder.path, 'ran'))).toBe(false);
    expect((await start(LAUNCH, ['--attempt-dir']).exit).code).toBe(78);
  });
});
