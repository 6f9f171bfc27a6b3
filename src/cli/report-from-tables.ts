import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { runAnalysis } from '../activities/run-analysis.ts';
import { reportInputFromTables } from '../report/input-from-tables.ts';
import { renderReport } from '../report/render-report.ts';
import type { RunRow } from '../statistics/score-row.ts';
import { statisticsDigest } from '../statistics/statistics-digest.ts';
import { codeVersion } from './code-version.ts';
import { BadInput, EXIT, type ExitCode } from './exit-codes.ts';
import { shownPath } from './project-folder.ts';
import { Output } from './terminal/output.ts';
import { verdictLines } from './verdict-lines.ts';

/** Analyses a folder of tables and writes its report. Wrong tables are exit 2, and then nothing is written. */
export async function reportFromTables(
  tables: string,
  options: { readonly out?: string; readonly json?: boolean },
): Promise<ExitCode> {
  const output = new Output(options);
  const folder = resolve(tables);
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
    throw new BadInput(
      `--from-tables: expected a folder with runs.json, scores.parquet or scores.csv, and analysis.json; found none at ${tables}`,
    );
  }
  const out = resolve(options.out ?? join(folder, 'report'));
  output.say(`analysing ${shownPath(folder)}`);
  const analysis = await runAnalysis(folder).catch((error: Error) => {
    if (TABLE_ERRORS.has(error.name)) throw new BadInput(error.message);
    throw error;
  });
  const runs: RunRow[] = JSON.parse(await readFile(join(folder, 'runs.json'), 'utf8'));
  const digest = statisticsDigest(analysis);
  const { code, versions } = await codeVersion();
  const { files } = await renderReport(
    reportInputFromTables(analysis, {
      name: basename(folder),
      runs,
      policyGrammar: false,
      provenance: {
        code,
        versions,
        statisticsDigest: digest,
        reproduce: [`lethe report --from-tables ${shownPath(folder)}`],
      },
      generatedAt: new Date().toISOString(),
    }),
  );
  await mkdir(out, { recursive: true });
  for (const [file, content] of Object.entries(files)) await writeFile(join(out, file), content);
  for (const line of await verdictLines(out, output.width)) output.line(line);
  output.line(`statistics: ${digest}`);
  output.record({
    event: 'end',
    tables: folder,
    verdict: analysis.verdict.verdict,
    raw: analysis.verdict.raw,
    caps: analysis.verdict.caps,
    statisticsDigest: digest,
    report: join(out, 'index.html'),
  });
  return EXIT.done;
}

/** What is wrong in the tables, as opposed to what is wrong in Lethe. */
const TABLE_ERRORS: ReadonlySet<string> = new Set(['BadFile', 'BadTable', 'InconsistentScores']);
