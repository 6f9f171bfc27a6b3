import { appendFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gatherEvidence } from '../../src/artifacts/attempt-evidence.ts';
import { NOW, StageWorld } from './support/stage-world.ts';

let world: StageWorld;
beforeEach(async () => {
  world = await StageWorld.create();
});
afterEach(() => world.remove());

describe('the attempts of a stage', () => {
  it('begin with the first', async () => {
    expect(await world.stage.currentAttempt()).toBe(1);
    expect(await world.stage.history()).toEqual({ result: undefined, evidence: [], overrides: [], open: undefined });
  });

  it('go on with the highest that is not over, otherwise with the next', async () => {
    await world.job(1, 4);
    expect(await world.stage.currentAttempt()).toBe(1);
    await world.over(1);
    expect(await world.stage.currentAttempt()).toBe(2);
    await world.job(2, 4);
    expect(await world.stage.currentAttempt()).toBe(2);
    const { evidence, open } = await world.stage.history();
    expect(evidence.map(({ attempt }) => attempt)).toEqual([1]);
    expect(open?.number).toBe(2);
  });

  it('are in the order of their numbers, not of their names', async () => {
    for (let attempt = 1; attempt <= 11; attempt += 1) await world.over(attempt);
    expect((await world.stage.history()).evidence.map(({ attempt }) => attempt)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    ]);
    expect(await world.stage.currentAttempt()).toBe(12);
  });

  it('have the job that was published first', async () => {
    await world.job(1, 4);
    await world.job(1, 2);
    expect((await world.stage.attempt(1).job())?.command).toContain('4');
  });

  it('are named after store, stage and number', () => {
    const { store, stage } = world;
    expect(stage.attempt(7).jobName).toBe(`lethe-${store.id.slice(0, 6)}-${stage.key.slice(0, 12)}-a7`);
  });
});

describe('what people said for a stage', () => {
  it('is numbered in the order of saying, also when several speak at once', async () => {
    const said = await Promise.all(['a', 'b', 'c'].map((by) => world.stage.addOverride({ by, at: NOW })));
    expect(said.map(({ sequence }) => sequence).sort()).toEqual([1, 2, 3]);
    expect((await world.stage.overrides()).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });
});

describe('the writers of an attempt', () => {
  it('come oldest first, whatever their names, and a folder without from.json is none', async () => {
    const older = await world.writer(1, 'z');
    const newer = await world.writer(1, 'a');
    await utimes(join(older.path, 'from.json'), 1, 1);
    await newer.checkpoint(10);
    await writeFile(join(world.stage.attempt(1).path, 'log.txt'), '');
    expect((await world.stage.attempt(1).writers()).map(({ name }) => name)).toEqual(['z', 'a']);
  });

  it('tell their newest progress by the last whole line', async () => {
    const writer = world.stage.attempt(1).writer('w');
    const { path } = await world.writer(1, 'w');
    expect(await writer.progress()).toBeUndefined();
    const lines = Array.from({ length: 500 }, (_, step) => `{"step":${step},"steps":500,"loss":1.5}\n`).join('');
    await writeFile(join(path, 'progress.jsonl'), lines);
    expect(await writer.progress()).toMatchObject({ step: 499 });
    await appendFile(join(path, 'progress.jsonl'), '{"step":500,"st');
    expect(await writer.progress()).toMatchObject({ step: 499 });
  });

  it('have the newest checkpoint whose files are all there', async () => {
    const written = await world.writer(1, 'w');
    const writer = world.stage.attempt(1).writer('w');
    expect(await writer.newestCheckpoint()).toBe(0);
    for (const step of [500, 1_000_000, 20]) await written.checkpoint(step);
    expect(await writer.newestCheckpoint()).toBe(1_000_000);
    await written.write('checkpoints/step-1000000/model.safetensors', 'cut off');
    expect(await writer.newestCheckpoint()).toBe(500);
    await written.write('checkpoints/step-000500/manifest.json', '{"step":');
    expect(await writer.newestCheckpoint()).toBe(20);
  });

  it('have a damaged checkpoint found out by its digest, when its size is right', async () => {
    const written = await world.writer(1, 'w');
    await written.checkpoint(20);
    await written.write('checkpoints/step-000020/model.safetensors', 'model.safetensors of step 21');
    const writer = world.stage.attempt(1).writer('w');
    expect(await writer.checkpoint(20, 'sizes')).toBeDefined();
    expect(await writer.checkpoint(20, 'digests')).toBeUndefined();
  });

  it('have said nothing when outcome.json is reserved but empty', async () => {
    const written = await world.writer(1, 'w');
    await written.write('outcome.json', '');
    expect(await world.stage.attempt(1).outcome()).toBeUndefined();
    await written.write('outcome.json', ' '.repeat(4096));
    expect(await world.stage.attempt(1).outcome()).toBeUndefined();
  });

  it('speak by the newest, unless one has succeeded', async () => {
    const first = await world.writer(1, 'first');
    await utimes(join(first.path, 'from.json'), 1, 1);
    await first.outcome(75, 10);
    expect(await world.stage.attempt(1).outcome()).toMatchObject({ code: 75, writer: 'first' });
    const second = await world.writer(1, 'second');
    expect(await world.stage.attempt(1).outcome()).toBeUndefined();
    await second.outcome(81, 20);
    expect(await world.stage.attempt(1).outcome()).toMatchObject({ code: 81, writer: 'second' });
    await first.outcome(0, 40);
    expect(await world.stage.attempt(1).outcome()).toMatchObject({ code: 0, writer: 'first' });
  });
});

describe('the evidence of an attempt', () => {
  it('holds all that is known, classified', async () => {
    const writer = await world.writer(1, 'w');
    await writer.checkpoint(20);
    await writer.write('progress.jsonl', '{"step":27,"steps":40,"loss":1}\n');
    await writeFile(
      world.stage.attempt(1).logPath,
      Array.from({ length: 100 }, (_, line) => `line ${line}\n`).join(''),
    );
    const image = 'registry/lethe-trainer@sha256:abc';
    const platform = { signal: 'SIGKILL', outOfMemory: true, preempted: false, events: ['oom_kill rose'], image };
    const evidence = await gatherEvidence(world.stage.attempt(1), { end: { kind: 'ended' }, platform, now: NOW });
    expect(evidence).toMatchObject({
      attempt: 1,
      outcome: 'failed',
      failure: 'out-of-memory',
      signal: 'SIGKILL',
      checkpointStep: 20,
      reachedStep: 27,
      writers: [{ name: 'w', checkpointStep: 20 }],
      events: ['oom_kill rose'],
      image,
      endedAt: NOW,
    });
    expect(evidence.logTail).toHaveLength(40);
    expect(evidence.logTail.at(-1)).toBe('line 99');
    expect(await world.stage.attempt(1).publishEvidence(evidence)).toEqual(evidence);
  });

  it('remembers the highest checkpoint of earlier attempts', async () => {
    await world.over(1, { checkpointStep: 30 });
    const evidence = await gatherEvidence(world.stage.attempt(2), { end: { kind: 'lost', reason: 'gone' }, now: NOW });
    expect(evidence).toMatchObject({ failure: 'preempted', checkpointStep: 30, writers: [], sentence: 'gone' });
  });

  it('takes the exit code from the trainer’s word when nobody was its parent', async () => {
    await (await world.writer(1, 'w')).outcome(78, 0);
    const platform = { outOfMemory: false, preempted: false, events: [] };
    const evidence = await gatherEvidence(world.stage.attempt(1), { end: { kind: 'ended' }, platform, now: NOW });
    expect(evidence).toMatchObject({ exitCode: 78, failure: 'config', sentence: 'ended with 78' });
  });
});
