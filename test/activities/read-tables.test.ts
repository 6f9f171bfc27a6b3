import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readTables } from '../../src/activities/read-tables.ts';
import { runAnalysis } from '../../src/activities/run-analysis.ts';
import { writePlantedTables } from '../../src/activities/write-planted-tables.ts';
import { sqlString, withTableDatabase } from '../../src/artifacts/tables/table-database.ts';
import { analyseForgetting } from '../../src/statistics/analyse-forgetting.ts';
import { plantedTables } from '../../src/statistics/planted-tables.ts';
import { measureRun } from '../../src/statistics/run-measures.ts';
import { runScoresOf } from '../../src/statistics/run-scores.ts';
import type { RunRow } from '../../src/statistics/score-row.ts';
import { statisticsDigest } from '../../src/statistics/statistics-digest.ts';

// DuckDB and a thread start in each, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const SMALL = { scales: 4, seeds: 2, items: 20, sigma: 0.03, seed: 4 };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-read-tables-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function edit<T>(name: string, change: (value: T) => unknown): Promise<void> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')) as T)));
}

describe('a tables folder', () => {
  it('gives the same statistics from memory, from Parquet in a thread, and from CSV', async () => {
    await writePlantedTables('line', folder, SMALL);
    const { runs, plan, rowsOf, synthetic } = plantedTables('line', SMALL);
    const direct = analyseForgetting({
      plan,
      planHash: null,
      runs: runs.map((run) => measureRun(runScoresOf(run, rowsOf(run)), plan)),
      calibration: null,
      synthetic,
    });
    const fromParquet = await runAnalysis(folder);
    expect(statisticsDigest(fromParquet)).toBe(statisticsDigest(direct));

    const parquet = join(folder, 'scores.parquet');
    await withTableDatabase((connection) =>
      connection.run(
        `COPY (SELECT * FROM read_parquet(${sqlString(parquet)}) ORDER BY hash(example), step) TO ${sqlString(join(folder, 'scores.csv'))} (HEADER)`,
      ),
    );
    await rm(parquet);
    expect(statisticsDigest(analyseForgetting(await readTables(folder)))).toBe(statisticsDigest(direct));
  });

  it('is read with its calibration record', async () => {
    await writePlantedTables('hinge', folder, SMALL);
    const { calibration, synthetic } = await readTables(folder);
    expect(calibration).toMatchObject({ scales: 4, seeds: 2, smallestEffect: 0.1 });
    expect(synthetic).toMatch(/^Synthetic tables/);
  });

  it('refuses what contradicts itself, and names file, field and what came', async () => {
    await writePlantedTables('no-gap', folder, { ...SMALL, scales: 2, seeds: 1, items: 5 });
    await edit<Record<string, unknown>>('analysis.json', (plan) => ({ ...plan, alpha: 5 }));
    await expect(readTables(folder)).rejects.toThrow(/analysis\.json: expected alpha: .*0\.5.*, got 5/);
    await edit<Record<string, unknown>>('analysis.json', (plan) => ({ ...plan, alpha: 0.05 }));

    await edit<RunRow[]>('runs.json', (runs) => runs.filter(({ run }) => run !== 'p1.forgetting.s1'));
    await expect(readTables(folder)).rejects.toThrow(
      'runs.json: expected run p1.forgetting.s1, of which the scores have rows',
    );
    await writePlantedTables('no-gap', folder, { ...SMALL, scales: 2, seeds: 1, items: 5 });
    await edit<RunRow[]>('runs.json', (runs) => runs.map((run) => ({ ...run, sessions: run.sessions.slice(0, 2) })));
    await expect(readTables(folder)).rejects.toThrow(
      'expected session 2 of run p1.forgetting.s1, of which the scores have rows, found sessions 0, 1',
    );
    await edit<RunRow[]>('runs.json', (runs) =>
      runs.map((run, i) => ({ ...run, scaleParameters: run.scaleParameters + i })),
    );
    await expect(readTables(folder)).rejects.toThrow(/expected one number of scaleParameters for model p1/);
    await edit<RunRow[]>('runs.json', (runs) => [...runs, ...runs]);
    await expect(readTables(folder)).rejects.toThrow(/expected each run once, got p1\.forgetting\.s1 twice/);
  });

  it('with an example twice at one anchor is refused', async () => {
    await writePlantedTables('no-gap', folder, { ...SMALL, scales: 2, seeds: 1, items: 5 });
    const path = join(folder, 'scores.parquet');
    await withTableDatabase(async (connection) => {
      await connection.run(`CREATE TABLE t AS SELECT * FROM read_parquet(${sqlString(path)})`);
      await connection.run(
        `COPY (SELECT * FROM t UNION ALL (SELECT * FROM t LIMIT 1)) TO ${sqlString(path)} (FORMAT parquet)`,
      );
    });
    await expect(runAnalysis(folder)).rejects.toThrow(
      /expected one row for run p1\.forgetting\.s1, session 1, step 0, example safe-0000, got two/,
    );
  });
});
