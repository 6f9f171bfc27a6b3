import { join } from 'node:path';
import { writePlantedTables } from '../src/activities/write-planted-tables.ts';
import { PLANTED, PLANTED_MEANING, type Planted } from '../src/statistics/planted-tables.ts';

const [kind, folder] = process.argv.slice(2);
if (kind === undefined || folder === undefined || !(kind === 'all' || PLANTED.includes(kind as Planted))) {
  console.error('Usage: node scripts/make-planted-tables.ts KIND FOLDER\n');
  console.error(
    'Writes the tables of a synthetic sweep whose answer is known, for `lethe report --from-tables FOLDER`. KIND is one of',
  );
  for (const name of PLANTED) console.error(`  ${name.padEnd(15)} ${PLANTED_MEANING[name]}`);
  console.error('  all             each of them, in FOLDER/KIND');
  process.exit(2);
}
const kinds = kind === 'all' ? PLANTED : [kind as Planted];
for (const planted of kinds) {
  const target = kind === 'all' ? join(folder, planted) : folder;
  await writePlantedTables(planted, target);
  console.log(`${planted}: ${target}`);
}
