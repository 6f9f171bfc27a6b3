// npm run cluster:drill [-- --only ROW,…] [--parallel N] [--outage-seconds N] [--json] [--times N --out FILE], by way of scripts/cluster-drill.mjs: the failure ledger, row by row, on a test cluster of its own.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { listenForInterrupts } from '../../../src/cli/interrupt.ts';
import { renderTable } from '../../../src/cli/terminal/table.ts';
import type { DrillRow } from '../../../src/drill/drill-row.ts';
import { installQuietRuntime } from '../../../src/drill/quiet-runtime.ts';
import { DRILL_COLUMNS, drillCells, drillSummary } from '../../../src/drill/render-drill.ts';
import { isMissed, type RowResult } from '../../../src/drill/row-result.ts';
import { runDrill } from '../../../src/drill/run-drill.ts';
import { selectedRows } from '../../../src/drill/selected-rows.ts';
import { makeDrillPlace } from './drill-place.ts';
import { KeptRows } from './kept-rows.ts';
import { resultsPage } from './results-page.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    parallel: { type: 'string', default: '4' },
    /** Archive of the trainer's image, instead of one packed from the native build. */
    image: { type: 'string' },
    /** How long the API server is away in the rows that take it away. */
    'outage-seconds': { type: 'string' },
    json: { type: 'boolean', default: false },
    times: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
});

/** One round on a cluster of its own. */
async function round(rows: readonly DrillRow[], keep: (result: RowResult) => void): Promise<readonly RowResult[]> {
  const { image, 'outage-seconds': outage } = values;
  const place = await makeDrillPlace({
    ...(image !== undefined && { image }),
    ...(outage !== undefined && { outageSeconds: Number(outage) }),
  });
  try {
    return await runDrill(place.parts, {
      rows,
      parallel: Number(values.parallel),
      signal: interrupts.first,
      say: (text) => console.error(text),
      onResult: (result) => {
        keep(result);
        if (values.json) console.log(JSON.stringify(result));
        else console.error(drillCells(result).join(' · '));
        if (result.status === 'missed') for (const miss of result.misses) console.error(`  ${miss}`);
      },
    });
  } finally {
    await place.close();
  }
}

const rows = selectedRows(values.only);
// Cleared away before it ends; what a killed one leaves ends with its mount namespace and its leash, but for folders of temporary files.
const interrupts = listenForInterrupts();
installQuietRuntime();
let results: readonly RowResult[];
if (values.out === undefined) {
  results = await round(rows, () => undefined);
  if (!values.json) console.log(renderTable(DRILL_COLUMNS, results.map(drillCells)).join('\n'));
} else {
  const rounds = Number(values.times);
  const kept = new KeptRows(`${values.out}.rows`);
  for (let number = 1; number <= rounds; number += 1) {
    const open = rows.filter(({ name }) => !kept.has(number, name));
    if (open.length === 0) continue;
    console.error(`round ${number} of ${rounds}: ${open.length} rows`);
    const keep = (result: RowResult) => {
      // A row that was cut off says nothing: it is run again.
      if (!interrupts.first.aborted) kept.add(number, result);
    };
    await round(open, keep);
    if (interrupts.first.aborted) process.exit(130);
  }
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'})`;
  const facts = { date: new Date().toISOString().slice(0, 10), machine, rounds };
  mkdirSync(dirname(values.out), { recursive: true });
  const ofRows = rows.map((row) => ({ row, results: kept.of(row.name) }));
  writeFileSync(values.out, resultsPage(ofRows, facts));
  kept.remove();
  results = ofRows.flatMap((one) => one.results);
}
console.error(drillSummary(results));
process.exit(results.some(isMissed) ? 1 : 0);
