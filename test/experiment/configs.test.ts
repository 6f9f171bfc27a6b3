import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModelCatalog } from '../../src/data/read-model-catalog.ts';
import { freezePlan } from '../../src/experiment/freeze-plan.ts';
import { countParameters } from '../../src/experiment/model-size.ts';
import { formatProblems, parseSweep } from '../../src/experiment/parse-sweep.ts';
import { SAMPLE_INPUTS } from './sample-inputs.ts';

const FOLDER = join(import.meta.dirname, '../../configs');
const models = await readModelCatalog(join(FOLDER, 'models'));
const files = readdirSync(join(FOLDER, 'sweeps'));

function shipped(file: string) {
  const path = join(FOLDER, 'sweeps', file);
  const text = readFileSync(path, 'utf8');
  const parsed = parseSweep(text, { path, models, inputs: SAMPLE_INPUTS });
  if (!parsed.ok) throw new Error(formatProblems(parsed.problems));
  return { text, sweep: parsed.sweep };
}

describe('configs/sweeps', () => {
  it.each(files)('%s parses, bears its own name, and says what it shows, on what and how long', (file) => {
    const { text, sweep } = shipped(file);
    expect(`${sweep.name}.yaml`).toBe(file);
    for (const head of ['# What it shows:', '# On what:', '# How long:']) expect(text).toContain(head);
    expect(freezePlan(sweep).plan.runs.length).toBe(sweep.models.length * sweep.arms.length * sweep.seeds.length);
  });

  it('quickstart has four scales over close to two decades, three seeds and a control', () => {
    const { sweep } = shipped('quickstart.yaml');
    const scales = sweep.models.map(({ spec }) => countParameters(spec).scaleParameters);
    expect(scales.length).toBeGreaterThanOrEqual(4);
    expect(Math.log10(Math.max(...scales) / Math.min(...scales))).toBeGreaterThan(1.8);
    expect(sweep.seeds.length).toBeGreaterThanOrEqual(3);
    expect(sweep.arms).toContain('forgetting');
    expect(sweep.analysis.controls.length).toBeGreaterThanOrEqual(1);
  });

  it('every scale ladder stands in order of size, as its table is read', () => {
    for (const file of files) {
      const scales = shipped(file).sweep.models.map(({ spec }) => countParameters(spec).scaleParameters);
      expect(scales).toEqual([...scales].sort((a, b) => a - b));
    }
  });
});
