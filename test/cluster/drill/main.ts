// npm run cluster:drill [-- --only ROW,…] [--parallel N] [--json] · drill:full [-- --times 20 --out FILE], by way of scripts/cluster-drill.mjs: the failure ledger, row by row, on a test cluster of its own.
import { parseArgs } from 'node:util';
import { renderTable } from '../../../src/cli/terminal/table.ts';
import { installQuietRuntime } from '../../../src/drill/quiet-runtime.ts';
import { DRILL_COLUMNS, drillCells, drillSummary } from '../../../src/drill/render-drill.ts';
import { isMissed, type RowResult } from '../../../src/drill/row-result.ts';
import { runDrill } from '../../../src/drill/run-drill.ts';
import { selectedRows } from '../../../src/drill/selected-rows.ts';
import { makeDrillPlace } from './drill-place.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    parallel: { type: 'string', default: '4' },
    image: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const rows = selectedRows(values.only);
installQuietRuntime();
const place = await makeDrillPlace(values.image === undefined ? {} : { image: values.image });
let results: readonly RowResult[] = [];
try {
  const onResult = (result: RowResult) => {
    console.log(values.json ? JSON.stringify(result) : drillCells(result).join(' · '));
    if (isMissed(result) && 'misses' in result) for (const miss of result.misses) console.error(`  ${miss}`);
  };
  results = await runDrill(place.parts, {
    rows,
    parallel: Number(values.parallel),
    onResult,
    say: (text) => console.error(text),
  });
} finally {
  await place.close();
}
if (!values.json) console.log(renderTable(DRILL_COLUMNS, results.map(drillCells)).join('\n'));
console.error(drillSummary(results));
process.exit(results.some(isMissed) ? 1 : 0);
