import { JobTable, type TableEntry } from '../../../src/jobs/local/job-table.ts';
import { thisMachine } from '../../../src/jobs/local/machine.ts';

/** A worker that runs 60 jobs of no length through the table, two slots for all workers; prints the most that it saw running at once. usage: table-racer.ts FOLDER NAME */
const [folder = '', name = ''] = process.argv.slice(2);
const table = new JobTable(folder, thisMachine());
const waiting: TableEntry[] = [];
for (let index = 0; index < 60; index += 1) {
  const job = `${name}-${index}`;
  waiting.push({ name: job, cores: 1, memoryBytes: 1, gpus: 0, slots: 2, attemptFolder: `/${job}`, digest: job });
}
let admitted = 0;
let most = 0;
for (const entry of waiting) table.enqueue(entry);
while (waiting.length > 0) {
  const turn = table.turn(waiting);
  most = Math.max(most, table.list().running.length);
  for (const job of turn.admitted) {
    admitted += 1;
    waiting.splice(
      waiting.findIndex((entry) => entry.name === job),
      1,
    );
    table.release(job);
  }
  await new Promise((resolve) => setImmediate(resolve));
}
table.close();
console.log(JSON.stringify({ admitted, most }));
