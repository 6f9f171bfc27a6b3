import { describe, expect, it } from 'vitest';
import { drillSweep, OUTAGE_SECONDS } from '../../src/drill/drill-sweep.ts';
import { FAULT_BOOK } from '../../src/drill/fault-book.ts';
import { DRILL_MATRIX } from '../../src/drill/matrix.ts';
import { selectedRows } from '../../src/drill/selected-rows.ts';
import { FAILURE_CLASSES } from '../../src/experiment/failure-classes.ts';

describe('the matrix of a drill', () => {
  it('has a row of each class, each with a name of its own', () => {
    const classes = new Set(DRILL_MATRIX.map(({ expected }) => expected.failure));
    expect(FAILURE_CLASSES.filter((name) => !classes.has(name))).toEqual([]);
    expect(new Set(DRILL_MATRIX.map(({ name }) => name)).size).toBe(DRILL_MATRIX.length);
  });

  it('uses each fault that is known', () => {
    const used = new Set<string>(DRILL_MATRIX.map(({ fault }) => fault));
    expect(Object.keys(FAULT_BOOK).filter((name) => !used.has(name))).toEqual([]);
  });

  it('mends what it parks, and needs the owner of the cluster wherever it takes a node', () => {
    for (const { name, fault, expected, lane, access } of DRILL_MATRIX) {
      expect('mend' in FAULT_BOOK[fault], name).toBe(expected.action === 'parked');
      if (lane !== 'beside') expect(access, name).toBe('cluster');
    }
  });

  it('is cut to the rows that are asked for, and says which was meant', () => {
    expect(selectedRows('exit-70, pod-deleted').map(({ name }) => name)).toEqual(['exit-70', 'pod-deleted']);
    expect(selectedRows(undefined)).toBe(DRILL_MATRIX);
    expect(() => selectedRows('pod-delete')).toThrow(/got "pod-delete"; did you mean pod-deleted\?/);
  });

  it('disturbs the last of two stages, which starts from the weights of the first', async () => {
    const { plan, stage, number } = await drillSweep();
    expect(plan.stages).toHaveLength(2);
    expect(number).toBe(1);
    expect(stage.spec.start).toEqual({ kind: 'stage', key: plan.stages[0]?.key });
  });

  it('has a stage that outlives an outage of minutes, and stays as it is for the usual one', async () => {
    const usual = await drillSweep();
    expect(usual.planHash).toBe((await drillSweep(OUTAGE_SECONDS)).planHash);
    const long = await drillSweep(180);
    expect(long.outageMs).toBe(180_000);
    expect(long.stage.spec.train?.steps).toBeGreaterThan(180 * 26);
  });
});
