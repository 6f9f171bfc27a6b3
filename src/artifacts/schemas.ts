import { z } from 'zod';
import { FAILURE_CLASSES } from '../experiment/failure-classes.ts';

/** What is checked of each file when it is read. Fields that a later release adds are let through. */

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits');
const step = z.int().nonnegative();
const failureClass = z.enum(FAILURE_CLASSES);
const resources = { cores: z.number().positive(), memoryBytes: z.number().nonnegative(), gpus: z.int().nonnegative() };
const fileDigest = z.looseObject({ path: z.string(), sha256: digest, bytes: z.int().nonnegative() });

export const storeSchema = z.looseObject({
  format: z.literal('lethe-store/1'),
  id: z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 hex digits'),
  temporal: z.looseObject({ address: z.string(), namespace: z.string() }),
});

export const stageSpecSchema = z.looseObject({ format: z.literal('lethe-stage/1'), kind: z.string() });

export const jobSpecSchema = z.looseObject({
  format: z.literal('lethe-job/1'),
  name: z.string().min(1),
  storeId: z.string(),
  key: digest,
  attempt: z.int().positive(),
  command: z.array(z.string()).min(1),
  environment: z.record(z.string(), z.string()),
  attemptFolder: z.string().min(1),
  resources: z.looseObject(resources),
  annotations: z.record(z.string(), z.string()),
  manifest: z.record(z.string(), z.unknown()).optional(),
});

export const launchedSchema = z.union(
  [
    z.looseObject({
      format: z.literal('lethe-launched/1'),
      pid: z.int().positive(),
      startTime: z.int().nonnegative(),
      bootId: z.string(),
      oomKills: z.int().nonnegative(),
      oomSource: z.string().optional(),
    }),
    z.looseObject({ format: z.literal('lethe-launched/1'), jobUid: z.string().min(1) }),
  ],
  'expected pid, startTime, bootId and oomKills, or jobUid',
);

export const stopSchema = z.looseObject({
  by: z.string(),
  why: z.string(),
  charge: z.enum(['none', 'class']),
  failure: failureClass.optional(),
  time: z.string(),
});

export const evidenceSchema = z.looseObject({
  attempt: z.int().positive(),
  outcome: z.enum(['succeeded', 'failed', 'stopped']),
  failure: failureClass.optional(),
  rule: z.string(),
  sentence: z.string(),
  checkpointStep: step,
  reachedStep: step,
  writers: z.array(z.looseObject({ name: z.string(), checkpointStep: step })),
  logTail: z.array(z.string()),
  events: z.array(z.string()),
  node: z.string().optional(),
  image: z.string().optional(),
  endedAt: z.string(),
});

export const overrideSchema = z.looseObject({
  sequence: z.int().positive(),
  reopenedAfterAttempt: z.int().nonnegative().optional(),
  resources: z.looseObject(resources).partial().optional(),
  microBatch: z.int().positive().optional(),
  retries: z.partialRecord(failureClass, z.int().nonnegative()).optional(),
  by: z.string(),
  at: z.string(),
});

export const originSchema = z.looseObject({
  checkpoint: z.string().nullable(),
  step,
  numerics: z.record(z.string(), z.union([z.string(), z.number()])),
  build: z.string(),
});

export const outcomeSchema = z.looseObject({
  code: z.int(),
  sentence: z.string(),
  step,
  stoppedBy: z.enum(['stop-rule', 'step-limit']).optional(),
});

export const checkpointManifestSchema = z.looseObject({
  step,
  files: z.record(z.string(), z.looseObject({ sha256: digest, bytes: z.int().nonnegative() })),
});

export const dataManifestSchema = z.looseObject({
  format: z.literal('lethe-data/1'),
  digest,
  rows: z.int().nonnegative(),
});

export const resultSchema = z.looseObject({
  format: z.literal('lethe-result/1'),
  key: digest,
  attempt: z.int().positive(),
  writer: z.string(),
  steps: step,
  stoppedBy: z.enum(['stop-rule', 'step-limit']),
  weights: fileDigest.optional(),
  anchors: z.array(z.looseObject({ ...fileDigest.shape, step, rows: z.int().nonnegative() })),
  lineage: z.array(z.string()),
  numerics: z.record(z.string(), z.union([z.string(), z.number()])),
  trainerBuild: z.string(),
  microBatchChanged: z.boolean(),
  collectedAt: z.string(),
});
