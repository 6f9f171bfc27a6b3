import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { readLaunched } from '../../../src/artifacts/attempt-folder.ts';
import type { JobSpec } from '../../../src/artifacts/job-spec.ts';
import { isLocal } from '../../../src/artifacts/launched.ts';
import { LocalLauncher, type LocalLauncherOptions } from '../../../src/jobs/local/local-launcher.ts';
import { type Machine, thisMachine } from '../../../src/jobs/local/machine.ts';
import type { LauncherWorld, ProgramPlan } from '../../contract/job-launcher.ts';
import { type TemporaryStore, temporaryStore } from './temporary-store.ts';

const BUILT = new URL('../../../native/build/lethe-launch', import.meta.url).pathname;
const STAND_IN = new URL('./launch-stand-in.sh', import.meta.url).pathname;
const PROGRAM = new URL('./job-program.sh', import.meta.url).pathname;
const WORKER = new URL('./worker-process.ts', import.meta.url).pathname;

/** The real launch program where it is built. */
export const LAUNCH_BINARY = existsSync(BUILT) ? BUILT : STAND_IN;

/** Real processes on this machine. */
export class LocalWorld implements LauncherWorld {
  readonly temporary: TemporaryStore;
  readonly stateFolder: string;
  machine: Machine = thisMachine();
  private readonly slots: number | undefined;
  private readonly launchers: LocalLauncher[] = [];
  private readonly specs: JobSpec[] = [];

  private constructor(temporary: TemporaryStore, slots: number | undefined) {
    this.temporary = temporary;
    this.stateFolder = join(temporary.folder, 'state');
    this.slots = slots;
  }

  static async create(slots?: number): Promise<LocalWorld> {
    return new LocalWorld(await temporaryStore(), slots);
  }

  launcher(options: Partial<LocalLauncherOptions> = {}): LocalLauncher {
    const { slots } = this;
    const launcher = new LocalLauncher({
      launchBinary: [LAUNCH_BINARY],
      stateFolder: this.stateFolder,
      machine: this.machine,
      ...(slots === undefined ? {} : { slots }),
      ...options,
    });
    this.launchers.push(launcher);
    return launcher;
  }

  async job({ exitCode, afterMs = 0, ignoresStop = false }: ProgramPlan): Promise<JobSpec> {
    return this.command((folder) => [
      PROGRAM,
      folder,
      String(exitCode ?? 'forever'),
      String(afterMs / 1000),
      ignoresStop ? 'ignores' : 'stops',
    ]);
  }

  async command(command: (attemptFolder: string) => readonly string[]): Promise<JobSpec> {
    const spec = await this.temporary.job((attempt) => command(attempt.path));
    this.specs.push(spec);
    return spec;
  }

  async foreign(spec: JobSpec): Promise<JobSpec> {
    const attemptFolder = join(this.temporary.folder, 'elsewhere');
    await mkdir(attemptFolder);
    const foreign = { ...spec, attemptFolder, command: [PROGRAM, attemptFolder, 'forever', '0', 'stops'] };
    this.specs.push(foreign);
    return foreign;
  }

  async starts(spec: JobSpec): Promise<number> {
    const text = await readFile(join(spec.attemptFolder, 'starts'), 'utf8').catch(() => '');
    return text.split('\n').length - 1;
  }

  async kill(spec: JobSpec): Promise<void> {
    process.kill(await this.pidOf(spec), 'SIGKILL');
  }

  async race(spec: JobSpec): Promise<void> {
    // Separate tables as well: only launched.json is left to decide.
    const folders = [this.stateFolder, this.stateFolder, join(this.temporary.folder, 'other-state')];
    const workers = folders.map(
      (folder) =>
        new Promise<number | null>((resolve) => {
          const worker = spawn(process.execPath, [WORKER, folder, spec.attemptFolder, LAUNCH_BINARY], {
            stdio: 'inherit',
          });
          worker.once('exit', resolve);
        }),
    );
    const codes = await Promise.all(workers);
    if (codes.some((code) => code !== 0))
      throw new Error(`expected all workers to end with code 0, got ${codes.join(', ')}`);
  }

  async reboot(): Promise<void> {
    const { bootId } = this.machine;
    this.machine = { ...this.machine, bootId: bootId.split('').reverse().join('') };
  }

  /** The volume of the store is not there. */
  async breakDown() {
    const { path } = this.temporary.store;
    await rename(path, `${path}-unmounted`);
    return { mend: () => rename(`${path}-unmounted`, path) };
  }

  async close(): Promise<void> {
    for (const launcher of this.launchers) launcher.close();
    for (const spec of this.specs) {
      const pid = await this.pidOf(spec).catch(() => undefined);
      if (pid !== undefined) killGroup(pid);
    }
    await this.temporary.remove();
  }

  private async pidOf(spec: JobSpec): Promise<number> {
    const launched = await readLaunched(spec.attemptFolder);
    if (launched === undefined || !isLocal(launched)) throw new Error(`expected ${spec.name} to have started`);
    return launched.pid;
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
