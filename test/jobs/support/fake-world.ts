import type { JobSpec } from '../../../src/artifacts/job-spec.ts';
import type { FakeBehaviour } from '../../../src/jobs/fake/fake-behaviour.ts';
import { FakeLauncher } from '../../../src/jobs/fake/fake-launcher.ts';
import { FakePlatform } from '../../../src/jobs/fake/fake-platform.ts';
import type { LauncherWorld, ProgramPlan } from '../../contract/job-launcher.ts';
import { until } from '../../contract/job-launcher.ts';
import { type TemporaryStore, temporaryStore } from './temporary-store.ts';

/** Jobs in memory. */
export class FakeWorld implements LauncherWorld {
  readonly platform: FakePlatform;
  readonly temporary: TemporaryStore;
  private readonly plans = new Map<string, FakeBehaviour>();

  private constructor(temporary: TemporaryStore, slots: number) {
    this.temporary = temporary;
    this.platform = new FakePlatform((spec) => this.plans.get(spec.attemptFolder) ?? {}, slots);
  }

  static async create(slots: number): Promise<FakeWorld> {
    return new FakeWorld(await temporaryStore(), slots);
  }

  launcher(): FakeLauncher {
    return new FakeLauncher(this.platform);
  }

  async job({ exitCode, afterMs = 0, ignoresStop = false }: ProgramPlan): Promise<JobSpec> {
    const spec = await this.temporary.job(() => ['fake']);
    const ignores = ignoresStop ? { onStop: 'ignore' as const } : {};
    const end = exitCode === undefined ? {} : { end: { kind: 'exit' as const, afterMs, code: exitCode } };
    this.plans.set(spec.attemptFolder, { ...ignores, ...end });
    return spec;
  }

  async foreign(spec: JobSpec): Promise<JobSpec> {
    const foreign = await this.temporary.job(() => ['fake']);
    this.plans.set(foreign.attemptFolder, {});
    return { ...foreign, name: spec.name };
  }

  async starts(spec: JobSpec): Promise<number> {
    return this.platform.starts(spec.name);
  }

  async kill(spec: JobSpec): Promise<void> {
    this.platform.kill(spec.name);
  }

  async race(spec: JobSpec): Promise<void> {
    const workers = [this.launcher(), this.launcher(), this.launcher()];
    await Promise.all(
      workers.map(async (launcher) => {
        await launcher.launch(spec);
        await until(launcher, spec, 'ended');
      }),
    );
  }

  async reboot(): Promise<void> {
    this.platform.reboot();
  }

  async breakDown() {
    this.platform.unreachable = true;
    return {
      mend: async () => {
        this.platform.unreachable = false;
      },
    };
  }

  async close(): Promise<void> {
    this.platform.unreachable = false;
    await this.platform.shutDown();
    await this.temporary.remove();
  }
}
