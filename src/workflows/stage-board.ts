import type { ParkedReason, ScheduledRun, ScheduledStage } from '../activities/plan-page.ts';

/** `running` = a child of this workflow; `elsewhere` = a workflow that another sweep, or this one before a continue-as-new, started. */
export type StageState = 'waiting' | 'running' | 'elsewhere' | 'done' | 'parked';

/**
 * The stage graph of a sweep and where each stage is. Knows which stages may start and in which order, not how they are run; a stage is ready when all of its
 * parents are done. Every operation costs the stage's neighbours, not the size of the plan, because it runs in a workflow task.
 */
export class StageBoard {
  readonly stages: readonly ScheduledStage[];
  readonly runs: readonly ScheduledRun[];
  readonly runsOf: readonly (readonly ScheduledRun[])[];
  readonly #states: StageState[];
  readonly #parked = new Map<number, ParkedReason>();
  readonly #children: number[][];
  readonly #openParents: number[];
  readonly #rank: number[];
  /** Ready stages, next first. */
  readonly #ready: number[] = [];
  readonly #counts: Record<StageState, number> = { waiting: 0, running: 0, elsewhere: 0, done: 0, parked: 0 };
  readonly #inFlight = { running: new Set<number>(), elsewhere: new Set<number>() };

  constructor(stages: readonly ScheduledStage[], runs: readonly ScheduledRun[], order: 'smallest-first' | 'as-listed') {
    this.stages = stages;
    this.runs = runs;
    const runsOf: ScheduledRun[][] = stages.map(() => []);
    for (const run of runs) for (const number of run.stages) runsOf[number]?.push(run);
    this.runsOf = runsOf;
    const ranked = stages.map((stage) => stage.number);
    if (order === 'smallest-first') ranked.sort((a, b) => this.stage(a).parameters - this.stage(b).parameters || a - b);
    this.#rank = new Array<number>(stages.length).fill(0);
    ranked.forEach((number, rank) => {
      this.#rank[number] = rank;
    });
    this.#children = stages.map(() => []);
    this.#states = stages.map((stage) => (stage.state === 'open' ? 'waiting' : stage.state));
    this.#openParents = stages.map((stage) => stage.parents.filter((parent) => this.#states[parent] !== 'done').length);
    for (const stage of stages) {
      for (const parent of stage.parents) this.#children[parent]?.push(stage.number);
      this.#counts[this.state(stage.number)] += 1;
      if (stage.parked !== undefined) this.#parked.set(stage.number, stage.parked);
      if (stage.state === 'open') this.#queueWhenReady(stage.number);
    }
  }

  stage(number: number): ScheduledStage {
    const stage = this.stages[number];
    if (stage === undefined) throw new RangeError(`expected a stage number below ${this.stages.length}, got ${number}`);
    return stage;
  }

  state(number: number): StageState {
    return this.#states[number] ?? 'waiting';
  }

  count(state: StageState): number {
    return this.#counts[state];
  }

  /** Children of this workflow, by number. */
  get running(): number[] {
    return [...this.#inFlight.running].sort((a, b) => a - b);
  }

  /** Stages that other workflows own, by number. */
  get elsewhere(): number[] {
    return [...this.#inFlight.elsewhere].sort((a, b) => a - b);
  }

  get done(): number[] {
    return this.stages.flatMap(({ number }) => (this.#states[number] === 'done' ? [number] : []));
  }

  /** Parked stages with their reasons, in plan order. */
  get parked(): [ScheduledStage, ParkedReason][] {
    return [...this.#parked].sort(([a], [b]) => a - b).map(([number, reason]) => [this.stage(number), reason]);
  }

  /** Takes the next ready stage that `admits` lets through, as running. */
  takeReady(admits: (stage: ScheduledStage) => boolean): ScheduledStage | undefined {
    const index = this.#ready.findIndex((number) => admits(this.stage(number)));
    if (index < 0) return undefined;
    const [number] = this.#ready.splice(index, 1) as [number];
    this.#move(number, 'running');
    return this.stage(number);
  }

  hasReady(admits: (stage: ScheduledStage) => boolean): boolean {
    return this.#ready.some((number) => admits(this.stage(number)));
  }

  /** Ready stages in order; those that a pause, a canary or a breaker keeps are among them. */
  get ready(): readonly number[] {
    return this.#ready;
  }

  markElsewhere(number: number): void {
    this.#move(number, 'elsewhere');
  }

  markDone(number: number): void {
    if (this.state(number) === 'done') return;
    this.#move(number, 'done');
    for (const child of this.#children[number] ?? []) {
      this.#openParents[child] = (this.#openParents[child] ?? 0) - 1;
      if (this.state(child) === 'waiting') this.#queueWhenReady(child);
    }
  }

  markParked(number: number, reason: ParkedReason): void {
    this.#move(number, 'parked');
    this.#parked.set(number, reason);
  }

  /** Back to the ready stages: it was re-opened, stopped by a pause, or its workflow ended without a result. */
  markWaiting(number: number): void {
    if (this.state(number) === 'waiting') return;
    this.#move(number, 'waiting');
    this.#queueWhenReady(number);
  }

  /** How many waiting stages need a parked one, near or far. */
  get blocked(): number {
    const blocked = new Set<number>();
    const open = [...this.#parked.keys()];
    for (let number = open.pop(); number !== undefined; number = open.pop()) {
      for (const child of this.#children[number] ?? []) {
        if (blocked.has(child) || this.state(child) !== 'waiting') continue;
        blocked.add(child);
        open.push(child);
      }
    }
    return blocked.size;
  }

  #move(number: number, state: StageState): void {
    this.#counts[this.state(number)] -= 1;
    this.#counts[state] += 1;
    this.#states[number] = state;
    this.#inFlight.running.delete(number);
    this.#inFlight.elsewhere.delete(number);
    if (state === 'running' || state === 'elsewhere') this.#inFlight[state].add(number);
    if (state !== 'parked') this.#parked.delete(number);
    if (state !== 'waiting') this.#dequeue(number);
  }

  #queueWhenReady(number: number): void {
    if ((this.#openParents[number] ?? 0) > 0) return;
    this.#ready.splice(this.#position(number), 0, number);
  }

  #dequeue(number: number): void {
    const index = this.#position(number);
    if (this.#ready[index] === number) this.#ready.splice(index, 1);
  }

  /** Where `number` stands, or would stand, among the ready ones. */
  #position(number: number): number {
    const rank = this.#rank[number] ?? 0;
    let low = 0;
    let high = this.#ready.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#rank[this.#ready[middle] ?? 0] ?? 0) < rank) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
