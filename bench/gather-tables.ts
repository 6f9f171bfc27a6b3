import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTables } from '../src/activities/read-tables.ts';
import { mergeScoreTables } from '../src/artifacts/tables/merge-score-tables.ts';
import { sqlString, withTableDatabase } from '../src/artifacts/tables/table-database.ts';
import { analyseForgetting } from '../src/statistics/analyse-forgetting.ts';
import { plantedPlan } from '../src/statistics/planted-tables.ts';
import type { RunRow } from '../src/statistics/score-row.ts';

/**
 * Gathers, reads and analyses 9 million score rows: 600 runs (20 scales × 2 arms × 15 seeds) of 1,500 examples, 4 anchors in the finetune session and 6 in the review.
 * Goals: at most 2 GiB of memory, seconds. Usage: node bench/gather-tables.ts [EXAMPLES]
 */
const EXAMPLES = Number(process.argv[2] ?? 1500);
const SCALES = 20;
const SEEDS = 15;
const ARMS = ['forgetting', 'noop-review'];

const folder = await mkdtemp(join(tmpdir(), 'lethe-bench-'));
let peak = 0;
const watching = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage().rss);
}, 50);
const laps: string[] = [];
async function lap<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  const cpu = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(cpu);
  peak = Math.max(peak, process.memoryUsage().rss);
  laps.push(
    `${name.padEnd(28)} ${((performance.now() - start) / 1000).toFixed(1)} s wall, ${((user + system) / 1e6).toFixed(1)} s CPU, peak ${(peak / 2 ** 20).toFixed(0)} MiB so far`,
  );
  console.log(laps.at(-1));
  return value;
}

try {
  const runs: RunRow[] = [];
  const sessions: { run: string; session: number; path: string }[] = [];
  const stages: { path: string; anchors: number; seed: number; gap: number }[] = [];
  for (let scale = 0; scale < SCALES; scale += 1) {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const finetune = join(folder, `m${scale}-s${seed}-finetune.parquet`);
      stages.push({ path: finetune, anchors: 4, seed, gap: 0 });
      for (const arm of ARMS) {
        const run = `m${scale}.${arm}.s${seed}`;
        const review = join(folder, `m${scale}-s${seed}-${arm}.parquet`);
        stages.push({ path: review, anchors: 6, seed, gap: arm === 'forgetting' ? scale / SCALES : -1 });
        sessions.push({ run, session: 1, path: finetune }, { run, session: 2, path: review });
        const scaleParameters = Math.round(10 ** (4 + scale / 4));
        runs.push({
          ...{ run, arm, model: `m${scale}`, family: 'gpt2', parameters: scaleParameters, scaleParameters, seed },
          sessions: [
            { index: 1, kind: 'finetune', stage: finetune, lastStep: 300, stoppedBy: 'stop-rule' },
            { index: 2, kind: 'review', stage: review, lastStep: 500, stoppedBy: 'step-limit' },
          ],
        });
      }
    }
  }
  await lap(`${stages.length} stage tables made`, () =>
    withTableDatabase(async (connection) => {
      for (const { path, anchors, seed, gap } of stages) {
        await connection.run(`COPY (
          SELECT (a * 100)::INTEGER AS step, printf('disclosure-%s-noisy-%05d', c.class, i) AS example, c.class, 'disclosure' AS notion,
            printf('disclosure-%s-%03d', c.class, i // 20) AS cluster, 4::INTEGER AS tokens,
            CASE WHEN ${anchors} = 6 AND a > 0 AND hash(i * 977 + ${seed}) % 1000 < 1000 * CASE WHEN c.class = 'unsafe' THEN ${gap} ELSE 0.05 END
              THEN -9.5 ELSE -0.2 - (hash(i + a + ${seed}) % 1000) / 5000.0 END::DOUBLE AS "sumLogProb",
            1.0::DOUBLE AS rouge1, true AS "exactMatch"
          FROM range(${anchors}) t(a), (VALUES ('safe'), ('task'), ('unsafe')) c(class), range(${EXAMPLES / 3}) r(i)
          ORDER BY a, c.class, i) TO ${sqlString(path)} (FORMAT parquet)`);
      }
    }),
  );
  const tables = join(folder, 'tables');
  await mkdir(tables);
  await writeFile(join(tables, 'runs.json'), JSON.stringify(runs));
  await writeFile(
    join(tables, 'analysis.json'),
    JSON.stringify({
      ...plantedPlan(1),
      notion: 'disclosure',
      anchorFraction: 0.4,
      controls: [],
    }),
  );
  peak = 0;
  const rows = await lap('tables gathered', () => mergeScoreTables(sessions, join(tables, 'scores.parquet')));
  const input = await lap(`${rows} rows read and measured`, () => readTables(tables));
  const analysis = await lap('analysed', () => analyseForgetting(input));
  console.log(analysis.verdict.sentence);
} finally {
  clearInterval(watching);
  await rm(folder, { recursive: true, force: true });
}
