import { readJob } from '../../../src/artifacts/attempt-folder.ts';
import { LocalLauncher } from '../../../src/jobs/local/local-launcher.ts';

/** A worker of its own process: launches the job in ATTEMPT_FOLDER and waits until it has ended. usage: worker-process.ts STATE_FOLDER ATTEMPT_FOLDER LAUNCH_BINARY */
const [stateFolder = '', attemptFolder = '', launchBinary = ''] = process.argv.slice(2);
const launcher = new LocalLauncher({ stateFolder, slots: 4, launchBinary: [launchBinary] });
const spec = await readJob(attemptFolder);
await launcher.launch(spec);
while ((await launcher.observe(spec)).state !== 'ended') await launcher.waitForChange(spec, 500);
launcher.close();
