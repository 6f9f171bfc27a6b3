// Builds the workflows' bundle into a folder, so that a worker's image needs neither a compiler nor a place to write: workflow-bundle.mjs FOLDER. Runs under Node 24.
import { workflowBundle } from '../../src/temporal/workflow-bundle.ts';

const folder = process.argv[2];
if (folder === undefined) {
  console.error('✘ expected the folder to write to: workflow-bundle.mjs FOLDER');
  process.exit(2);
}
const quiet = () => {};
const logger = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: console.error, error: console.error };
console.log((await workflowBundle(logger, folder)).codePath);
