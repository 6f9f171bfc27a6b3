import type { PrimaryMeasure } from '../../statistics/analysis.ts';
import { count, decimal, percent, plural } from '../format.ts';
import { type Html, type HtmlValue, html } from '../html.ts';
import { CLASSES, forgettingByScale } from '../plots/forgetting-by-scale.ts';
import { type Frame, PANEL, SMALL_PANEL } from '../plots/frame.ts';
import { gapByScale } from '../plots/gap-by-scale.ts';
import { learnedness } from '../plots/learnedness.ts';
import { thresholdCurve } from '../plots/threshold-curve.ts';
import { forgettingCurves, learningCurves } from '../plots/training-curves.ts';
import { primaryArm } from '../primary.ts';
import type { ReportInput } from '../report-input.ts';

const PRIMARY: readonly PrimaryMeasure[] = ['continuous', 'binary'];
const HEADINGS: Readonly<Record<PrimaryMeasure, string>> = { continuous: 'Continuous', binary: 'Binary' };

export function scaleSection(input: ReportInput): Html {
  const { analysis } = input;
  const arm = primaryArm(analysis);
  if (!arm)
    return section(
      'scale',
      'Forgetting against scale',
      html`<p class="empty">No run of the primary arm “${analysis.plan.primaryArm}” is here.</p>`,
    );
  const { rougeDrop, smallestEffect, learnedProbability } = analysis.plan;
  const anchor = `after ${percent(analysis.plan.anchorFraction)} of the review`;
  return section(
    'scale',
    'Forgetting against scale',
    html`<figure><div class="panels">${PRIMARY.map((measure) => box(HEADINGS[measure], forgettingByScale(arm, measure)))}</div><figcaption><b>Forgetting by class.</b> Mean over seeds with 95\u00a0% intervals, learned items only, ${anchor}. Continuous: how much probability the model lost on the right answer. Binary: share of items whose ROUGE-1 fell by more than ${decimal(
      rougeDrop,
    )}. A jump in the binary measure without one in the continuous is an effect of the metric.</figcaption></figure><figure><div class="panels">${PRIMARY.map(
      (measure) => box(HEADINGS[measure], gapByScale(analysis, measure)),
    )}</div><figcaption><b>The gap that decides.</b> Unsafe minus safe or unsafe minus task, whichever is smaller, in each run (dots), mean and 95\u00a0% interval (diamonds). Inside the grey band (±${decimal(
      smallestEffect,
    )}) a gap is too small to matter. The thin grey line is the best straight line: a sharp onset bends upwards away from it.</figcaption></figure>`,
    html`An item counts as learned when its answer is right and its mean token probability is at least ${decimal(
      learnedProbability,
    )} at the end of finetuning: what was never learned cannot be forgotten.`,
  );
}

export function curvesSection(input: ReportInput): Html {
  const { analysis } = input;
  const arm = primaryArm(analysis);
  const curves = analysis.curves.filter((curve) => curve.arm === analysis.plan.primaryArm);
  if (!arm || curves.length === 0)
    return section('curves', 'Learning and forgetting', html`<p class="empty">No training curve was recorded.</p>`);
  const { columns, frame } = rowsOf(arm.scales.length);
  const withForgetting = curves.some((curve) => curve.value === 'forgetting' && curve.points.length > 1);
  return section(
    'curves',
    'Learning and forgetting',
    html`<figure><div class="${columns}">${arm.scales.map((scale) =>
      box(
        html`${scale.model} <small>${count(scale.scaleParameters)} parameters, ${plural(scale.seeds.length, 'seed')}</small>`,
        learningCurves(curves, scale, frame),
      ),
    )}</div><figcaption><b>Learned in finetuning, lost in review.</b> Mean probability of the right answer over all items of a class; the dotted line is where the review begins (the first, when an arm has several). Bands are 95\u00a0% intervals between seeds; hollow points have fewer seeds than the rest.</figcaption></figure>${
      withForgetting &&
      html`<figure><div class="panels three">${CLASSES.map((name) => box(name, forgettingCurves(curves, arm.scales, name)))}</div><figcaption><b>Forgetting over the review, scale by scale.</b> Probability lost since the end of finetuning, learned items; larger models are drawn stronger.</figcaption></figure>`
    }`,
  );
}

export function learnednessSection(input: ReportInput): Html {
  const { analysis } = input;
  const arm = primaryArm(analysis);
  if (!arm) return html``;
  const needed = analysis.plan.learnedShare;
  const known = arm.scales.some((scale) => scale.classes.some((one) => one.knownBefore !== null));
  return section(
    'learnedness',
    'Was it learned?',
    html`<figure><div class="panels">${box('Learned by the end of finetuning', learnedness(arm, 'learned', needed))}${
      known && box('Known before finetuning', learnedness(arm, 'known', needed))
    }</div><figcaption><b>Learnedness.</b> A small model that had not yet learned its unsafe items would seem to forget few of them. Every class at every scale must reach ${decimal(
      needed,
    )}, or the verdict is UNLEARNED. Markers are means over seeds, the stroke goes down to the seed with the least.</figcaption></figure>`,
  );
}

export function thresholdSection(input: ReportInput): Html {
  const { analysis } = input;
  const scales = primaryArm(analysis)?.scales ?? [];
  const { columns, frame } = rowsOf(scales.length);
  const drawn = scales.flatMap((scale) => {
    const points = analysis.thresholds.filter((point) => point.model === scale.model);
    return points.length < 2
      ? []
      : [
          box(
            html`${scale.model} <small>${count(scale.scaleParameters)} parameters</small>`,
            thresholdCurve(points, analysis.plan.rougeDrop, scale.model, frame),
          ),
        ];
  });
  if (drawn.length === 0) return html``;
  return section(
    'threshold',
    'Does the threshold matter?',
    html`<figure><div class="${columns}">${drawn}</div><figcaption><b>The binary measure under other thresholds.</b> Share of learned items called forgotten when a ROUGE-1 drop of more than φ counts. A gap that exists at one φ only belongs to the threshold.</figcaption></figure>`,
  );
}

/** Three panels in a row, but two where three would leave one alone. */
function rowsOf(panels: number): { readonly columns: string; readonly frame: Frame } {
  return panels === 2 || panels === 4
    ? { columns: 'panels', frame: PANEL }
    : { columns: 'panels three', frame: SMALL_PANEL };
}

export function section(id: string, title: string, content: HtmlValue, lead?: HtmlValue): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${lead && html`<p class="lead">${lead}</p>`}${content}</section>`;
}

export function box(title: HtmlValue, content: Html): Html {
  return html`<div class="panel-box"><h3 class="panel-title">${title}</h3>${content}</div>`;
}
