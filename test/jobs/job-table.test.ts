import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JobTable, type TableEntry } from '../../src/jobs/local/job-table.ts';
import { type Machine, thisMachine } from '../../src/jobs/local/machine.ts';

const RACER = new URL('./support/table-racer.ts', import.meta.url).pathname;

let folder: string;
let tables: JobTable[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-table-'));
  tables = [];
});
afterEach(async () => {
  vi.useRealTimers();
  for (const table of tables) table.close();
  await rm(folder, { recursive: true });
});

function table(machine: Partial<Machine> = {}): JobTable {
  const opened = new JobTable(folder, { ...thisMachine(), ...machine });
  tables.push(opened);
  return opened;
}

function entry(name: string, more: Partial<TableEntry> = {}): TableEntry {
  return { name, cores: 1, memoryBytes: 1, gpus: 0, slots: 1, attemptFolder: `/store/${name}`, digest: name, ...more };
}

describe('the table of local jobs', () => {
  it('admits in the order in which jobs were queued', () => {
    const jobs = table();
    const [a, b] = [entry('a'), entry('b')];
    jobs.enqueue(a);
    jobs.enqueue(b);
    expect(jobs.turn([b]).admitted).toEqual([]);
    expect(jobs.turn([a, b]).admitted).toEqual(['a']);
    expect(jobs.turn([b]).reasons.get('b')).toBe('the only slot is taken');
    expect(jobs.turn([b], ['a']).admitted).toEqual(['b']);
  });

  it('keeps room for a job before it that fits and belongs to another worker', () => {
    const jobs = table();
    jobs.enqueue(entry('theirs', { slots: 2 }));
    jobs.enqueue(entry('first', { slots: 2 }));
    jobs.enqueue(entry('second', { slots: 2 }));
    const mine = [entry('first', { slots: 2 }), entry('second', { slots: 2 })];
    expect(jobs.turn(mine).admitted).toEqual(['first']);
  });

  it('drops the row of a process that is dead', async () => {
    const jobs = table();
    const child = spawn('sleep', ['60']);
    const pid = child.pid ?? 0;
    jobs.enqueue(entry('a'));
    jobs.turn([entry('a')]);
    jobs.started('a', pid, thisMachine().startTime(pid) ?? 0);
    expect(jobs.list().running).toHaveLength(1);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    expect(jobs.list().running).toEqual([]);
  });

  it('drops the row of a pid that another process has now', () => {
    const jobs = table();
    jobs.adopt(entry('a'), process.pid, (thisMachine().startTime(process.pid) ?? 0) - 1);
    expect(jobs.list().running).toEqual([]);
  });

  it('has a file of its own for each boot, so that no pid is taken for another', () => {
    table().adopt(entry('a'), process.pid, thisMachine().startTime(process.pid) ?? 0);
    expect(table({ bootId: 'another' }).list().running).toEqual([]);
    expect(table().list().running).toHaveLength(1);
  });

  it('is made again when its file is damaged', async () => {
    table().enqueue(entry('a'));
    tables.pop()?.close();
    const [file = ''] = (await readdir(folder)).filter((name) => name.endsWith('.sqlite'));
    await writeFile(join(folder, file), 'this is no database, and it is longer than the header of one; '.repeat(100));
    const jobs = table();
    expect(jobs.list()).toEqual({ running: [], queued: [] });
    expect(jobs.enqueue(entry('b'))).toBe(true);
    expect((await readdir(folder)).some((name) => name.includes('damaged'))).toBe(true);
  });

  it('loses files of boots long gone', async () => {
    const old = join(folder, 'jobs-0123456789ab.sqlite');
    await writeFile(old, '');
    await utimes(old, 1, 1);
    table();
    expect(await readdir(folder)).not.toContain('jobs-0123456789ab.sqlite');
  });

  it('says what to do when its folder cannot be made', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    expect(() => new JobTable(join(file, 'state'), thisMachine())).toThrow(
      /state: expected a folder .* set XDG_STATE_HOME/,
    );
  });

  it('forgets a queued job that nobody asks about, and takes it back when somebody does', () => {
    const jobs = table();
    jobs.enqueue(entry('forgotten'));
    vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ['Date'] });
    jobs.enqueue(entry('b'));
    expect(jobs.turn([entry('b')]).admitted).toEqual(['b']);
    expect(jobs.turn([entry('forgotten')], ['b']).admitted).toEqual(['forgotten']);
  });

  it('keeps a queued job that is asked about for hours', () => {
    const jobs = table();
    jobs.enqueue(entry('running'));
    jobs.turn([entry('running')]);
    jobs.enqueue(entry('patient'));
    jobs.enqueue(entry('late'));
    const start = Date.now();
    for (let minute = 1; minute < 120; minute += 1) {
      vi.useFakeTimers({ now: start + minute * 30_000, toFake: ['Date'] });
      jobs.turn([entry('patient'), entry('late')]);
    }
    expect(jobs.turn([entry('late'), entry('patient')], ['running']).admitted).toEqual(['patient']);
  });

  it('refuses a name that another job holds, and takes its own for queued', () => {
    const jobs = table();
    expect(jobs.enqueue(entry('a'))).toBe(true);
    expect(jobs.enqueue(entry('a'))).toBe(true);
    expect(jobs.enqueue(entry('a', { digest: 'other' }))).toBe(false);
    expect(jobs.enqueue(entry('a', { attemptFolder: '/other' }))).toBe(false);
    expect(jobs.list().queued).toHaveLength(1);
  });

  it('withdraws a queued job, never a running one', () => {
    const jobs = table();
    jobs.enqueue(entry('a'));
    jobs.enqueue(entry('b'));
    jobs.turn([entry('a')]);
    expect([jobs.withdraw('a'), jobs.withdraw('b'), jobs.withdraw('b')]).toEqual([false, true, false]);
    expect(jobs.state('a')).toBe('running');
  });

  it('never lets more jobs run than there are slots, whoever asks', async () => {
    const racers = Array.from({ length: 3 }, (_, index) =>
      spawn(process.execPath, [RACER, folder, String(index)], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    const texts = await Promise.all(
      racers.map(async (racer) => {
        let text = '';
        for await (const piece of racer.stdout) text += String(piece);
        return text;
      }),
    );
    for (const text of texts) expect(JSON.parse(text)).toEqual({ admitted: 60, most: 2 });
  });
});
