import { join } from 'node:path';
import { publish } from '../../../src/artifacts/publish.ts';

/** Publishes 50 files that other processes publish too; prints how many it won. usage: publish-racer.ts FOLDER NAME */
const [folder = '', name = ''] = process.argv.slice(2);
let wins = 0;
for (let file = 0; file < 50; file += 1) if ((await publish(join(folder, `${file}.json`), name)).won) wins += 1;
console.log(wins);
