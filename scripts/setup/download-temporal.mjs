// Lets the Temporal SDK download its development server into the folder named by the first argument.
import { TestWorkflowEnvironment } from '@temporalio/testing';

const executable = { type: 'cached-download', downloadDir: process.argv[2] };
const deadline = setTimeout(() => process.exit(1), 90_000);
const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
await environment.teardown();
clearTimeout(deadline);
