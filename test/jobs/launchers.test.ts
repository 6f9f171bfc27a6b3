import { jobLauncherContract } from '../contract/job-launcher.ts';
import { FakeWorld } from './support/fake-world.ts';
import { LocalWorld } from './support/local-world.ts';

jobLauncherContract('the local launcher', { setup: (slots) => LocalWorld.create(slots) });
jobLauncherContract('the fake launcher', { setup: (slots) => FakeWorld.create(slots) });
