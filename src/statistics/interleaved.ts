import { EXAMPLE_CLASSES, type ExampleClass } from '../experiment/stage-spec.ts';
import { studentSurvival } from './distributions.ts';
import type { InterleavedArm, InterleavedClass, RoundMean, RoundMeasures } from './interleaved-rounds.ts';
import type { RunCurveValue } from './run-curves.ts';
import type { RunMeasures } from './run-measures.ts';
import { byCodeUnit } from './run-scores.ts';
import { meanOf, meanWithInterval } from './run-spread.ts';
import type { SessionRow } from './score-row.ts';

interface Point {
  readonly step: number;
  readonly mean: number;
}

/** One round of one run and class. */
interface Round {
  readonly start: number;
  readonly end: number;
  readonly peak: number;
  readonly stepsToHalf: number;
  readonly residual: number;
  readonly natsLost: number;
}

/** Arms in which some run has two finetune sessions with scores. */
export function interleavedArms(runs: readonly RunMeasures[]): InterleavedArm[] {
  const groups = new Map<string, RunMeasures[]>();
  for (const run of runs) {
    if (roundsOf(run).length < 2) continue;
    const name = `${run.run.arm}\n${run.run.model}`;
    groups.set(name, [...(groups.get(name) ?? []), run]);
  }
  return [...groups.values()]
    .map((group) => {
      const ordered = [...group].sort((a, b) => a.run.seed - b.run.seed);
      const { arm, model, scaleParameters } = (ordered[0] as RunMeasures).run;
      return {
        arm,
        model,
        x: Math.log10(scaleParameters),
        seeds: ordered.map(({ run }) => run.seed),
        classes: EXAMPLE_CLASSES.map((name) => classRounds(name, ordered)),
        course: EXAMPLE_CLASSES.map((name) => ({ class: name, points: courseOf(name, ordered) })),
      };
    })
    .sort((a, b) => byCodeUnit(a.arm, b.arm) || a.x - b.x || byCodeUnit(a.model, b.model));
}

/** The finetune sessions that have scores, each with the review before the next of them. */
function roundsOf({ run, curves }: RunMeasures): { finetune: SessionRow; review: SessionRow | undefined }[] {
  const sessions = [...run.sessions].sort((a, b) => a.index - b.index);
  const finetunes = sessions.filter(
    ({ kind, index }) => kind === 'finetune' && curves.some((curve) => curve.session === index),
  );
  return finetunes.map((finetune, i) => {
    const next = finetunes[i + 1]?.index ?? Number.POSITIVE_INFINITY;
    return {
      finetune,
      review: sessions.find(({ kind, index }) => kind === 'review' && index > finetune.index && index < next),
    };
  });
}

function classRounds(name: ExampleClass, runs: readonly RunMeasures[]): InterleavedClass {
  const byRun = runs.map((run) => measureRounds(name, run));
  const most = Math.max(...byRun.map((rounds) => rounds.length));
  const rounds = Array.from({ length: most }, (_, r): RoundMeasures => {
    const of = (value: (round: Round) => number): RoundMean | null =>
      meanOrNull(byRun.flatMap((own) => (own[r] === undefined ? [] : [value(own[r])])));
    const savings = byRun.map((own) => {
      const first = own[0]?.stepsToHalf ?? Number.NaN;
      return r > 0 && first > 0 ? 1 - (own[r]?.stepsToHalf ?? Number.NaN) / first : Number.NaN;
    });
    return {
      round: r + 1,
      start: of((round) => round.start),
      end: of((round) => round.end) as RoundMean,
      peak: of((round) => round.peak) as RoundMean,
      stepsToHalf: of((round) => round.stepsToHalf),
      savings: meanOrNull(savings),
      residual: of((round) => round.residual),
      natsLost: of((round) => round.natsLost),
    };
  });
  return { class: name, rounds, endSlope: slopeOfEnds(byRun) };
}

function measureRounds(name: ExampleClass, run: RunMeasures): Round[] {
  const curve = (session: number | undefined, value: RunCurveValue): readonly Point[] =>
    run.curves.find((own) => own.session === session && own.class === name && own.value === value)?.points ?? [];
  let before = Number.NaN;
  return roundsOf(run).flatMap(({ finetune, review }) => {
    const points = curve(finetune.index, 'probability');
    const last = points.at(-1);
    if (last === undefined) return [];
    const start = points[0]?.step === 0 ? points[0].mean : before;
    const residual = curve(review?.index, 'probability').at(-1)?.mean ?? Number.NaN;
    const natsBefore = curve(finetune.index, 'nats').at(-1)?.mean ?? Number.NaN;
    const natsAfter = curve(review?.index, 'nats').at(-1)?.mean ?? Number.NaN;
    before = Number.isNaN(residual) ? last.mean : residual;
    return [
      {
        start,
        end: last.mean,
        peak: Math.max(...points.map(({ mean }) => mean)),
        stepsToHalf: stepsToHalf(points, start),
        residual,
        natsLost: natsBefore - natsAfter,
      },
    ];
  });
}

/** Steps until the score first reached half of the session's maximum, interpolated between anchors; NaN when nothing is known of the score before the first of them. */
function stepsToHalf(points: readonly Point[], start: number): number {
  const half = Math.max(...points.map(({ mean }) => mean)) / 2;
  let previous: Point = { step: 0, mean: start };
  if (previous.mean >= half) return 0;
  for (const point of points) {
    if (point.mean >= half) {
      const share = (half - previous.mean) / (point.mean - previous.mean);
      return previous.step + share * (point.step - previous.step);
    }
    previous = point;
  }
  return Number.NaN;
}

function slopeOfEnds(byRun: readonly (readonly Round[])[]): InterleavedClass['endSlope'] {
  const slopes = byRun.filter((rounds) => rounds.length > 1).map((rounds) => slope(rounds.map(({ end }) => end)));
  const mean = meanOrNull(slopes);
  if (mean === null) return null;
  if (mean.interval === null) return { ...mean, p: null };
  const n = slopes.length;
  let squares = 0;
  for (const own of slopes) squares += (own - mean.mean) ** 2;
  const se = Math.sqrt(squares / (n - 1) / n);
  const p = se === 0 ? (mean.mean === 0 ? 1 : 0) : 2 * studentSurvival(Math.abs(mean.mean) / se, n - 1);
  return { ...mean, p };
}

function slope(values: readonly number[]): number {
  const centre = (values.length - 1) / 2;
  const mean = meanOf(values);
  let xy = 0;
  let xx = 0;
  values.forEach((value, i) => {
    xy += (i - centre) * (value - mean);
    xx += (i - centre) ** 2;
  });
  return xy / xx;
}

function courseOf(name: ExampleClass, runs: readonly RunMeasures[]): InterleavedArm['course'][number]['points'] {
  const points = new Map<
    string,
    { round: number; sessionKind: 'finetune' | 'review'; step: number; starts: number[]; means: number[] }
  >();
  for (const run of runs) {
    let start = 0;
    roundsOf(run).forEach(({ finetune, review }, r) => {
      for (const session of [finetune, review]) {
        if (session === undefined) continue;
        const sessionKind = session === finetune ? 'finetune' : 'review';
        const curve = run.curves.find(
          (own) => own.session === session.index && own.class === name && own.value === 'probability',
        );
        for (const { step, mean } of curve?.points ?? []) {
          const key = `${r}/${sessionKind}/${step}`;
          const point = points.get(key) ?? { round: r + 1, sessionKind, step, starts: [], means: [] };
          point.starts.push(start);
          point.means.push(mean);
          points.set(key, point);
        }
        start += session.lastStep;
      }
    });
  }
  return [...points.values()]
    .map(({ round, sessionKind, step, starts, means }) => ({
      round,
      sessionKind,
      step,
      at: meanOf(starts) + step,
      mean: meanOf(means),
      runs: means.length,
    }))
    .sort((a, b) => a.round - b.round || byCodeUnit(a.sessionKind, b.sessionKind) || a.step - b.step);
}

function meanOrNull(values: readonly number[]): RoundMean | null {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length > 0 ? meanWithInterval(known) : null;
}
