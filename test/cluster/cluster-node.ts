import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sendCommand } from './cluster-commands.ts';
import { listedControlGroups } from './control-groups.ts';

const enterNode = join(dirname(fileURLToPath(import.meta.url)), 'namespaces', 'enter-node.sh');

export type NodeService = 'kubelet' | 'containerd';

/** One node of a test cluster and what can befall it. Pods outlive their kubelet and containerd, but not their node. */
export class ClusterNode {
  readonly name: string;
  private readonly folder: string;
  private readonly number: number;

  constructor(folder: string, number: number) {
    this.folder = folder;
    this.number = number;
    this.name = `n${number}`;
  }

  /** Loss of power: every process of the node and of its pods is gone at once. */
  kill(): Promise<void> {
    return sendCommand(this.folder, join(this.folder, 'control'), `node-kill ${this.number}`);
  }

  /** Power is back: same disk, nothing runs but what kubelet starts again. */
  start(): Promise<void> {
    return sendCommand(this.folder, join(this.folder, 'control'), `node-start ${this.number}`);
  }

  /** Cuts the node off while its pods run on. Node 1 carries the network and cannot be cut off. */
  async netDown(): Promise<void> {
    if (this.number === 1) throw new Error('expected a node other than n1: n1 carries the network of all');
    await this.tell('net-down');
  }

  netUp(): Promise<void> {
    return this.tell('net-up');
  }

  stopService(service: NodeService): Promise<void> {
    return this.tell(`stop ${service}`);
  }

  startService(service: NodeService): Promise<void> {
    return this.tell(`start ${service}`);
  }

  /** Stands still without being gone, which is how an overloaded machine looks. */
  pauseService(service: NodeService): Promise<void> {
    return this.tell(`pause ${service}`);
  }

  contService(service: NodeService): Promise<void> {
    return this.tell(`cont ${service}`);
  }

  /** Runs a command in the node's namespaces and control groups; resolves to its standard output, rejects when it fails. */
  async run(command: string, ...args: string[]): Promise<string> {
    const groups = join(this.folder, 'groups');
    const run = promisify(execFile);
    const { stdout } = await run(enterNode, [groups, this.name, String(this.firstProcess()), command, ...args]);
    return stdout;
  }

  private tell(command: string): Promise<void> {
    return sendCommand(this.folder, join(this.folder, 'nodes', this.name, 'control'), command);
  }

  /** The node's first process as this process numbers it: number 1 in a pid namespace two below ours. */
  private firstProcess(): number {
    const depth = namespaceNumbers('self').length + 2;
    const pids = listedControlGroups(join(this.folder, 'groups')).find(({ controller }) => controller === 'pids');
    const listed =
      pids &&
      readFileSync(join(pids.folder, this.name, 'cgroup.procs'), 'utf8')
        .trim()
        .split('\n');
    for (const pid of listed ?? []) {
      const numbers = namespaceNumbers(pid);
      if (numbers.length === depth && numbers.at(-1) === '1') return Number(pid);
    }
    throw new Error(`expected node ${this.name} to run, found no first process of it`);
  }
}

/** The numbers of a process in its pid namespaces, outermost first; empty when it is gone. */
function namespaceNumbers(pid: string): string[] {
  try {
    const line = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return line?.[1]?.split(/\s+/) ?? [];
  } catch {
    return [];
  }
}
