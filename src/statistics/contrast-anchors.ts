import type { AnchorScores, RunScores } from './run-scores.ts';

/** The anchors between which forgetting is measured: before the finetune session, at its end (t0), and in the review after it (t*). */
export interface ContrastAnchors {
  readonly finetuneSession: number;
  readonly reviewSession: number;
  readonly reviewLastStep: number;
  /** null when nothing was scored before the finetune session. */
  readonly before: AnchorScores | null;
  readonly learned: AnchorScores;
  readonly review: AnchorScores;
  /** Where t* stands in the review, 0–1. */
  readonly fraction: number;
}

/**
 * t0 is the last anchor of the finetune session before the first review (or that review's step 0, the same weights); t* is the review's anchor nearest to
 * `fraction` of its steps, the earlier of two equally near.
 */
export function chooseAnchors(scores: RunScores, fraction: number): ContrastAnchors | { readonly why: string } {
  const sessions = [...scores.run.sessions].sort((a, b) => a.index - b.index);
  const finetune = sessions.find(
    (session, i) => session.kind === 'finetune' && sessions.slice(i + 1).some((later) => later.kind === 'review'),
  );
  if (finetune === undefined) return { why: 'it has no finetune session with a review after it' };
  const review = sessions.find((session) => session.kind === 'review' && session.index > finetune.index);
  if (review === undefined) return { why: 'it has no finetune session with a review after it' };
  const of = (session: number): AnchorScores[] => scores.anchors.filter((anchor) => anchor.session === session);
  const finetuneAnchors = of(finetune.index);
  const reviewAnchors = of(review.index);
  const learned = finetuneAnchors.at(-1) ?? reviewAnchors.find((anchor) => anchor.step === 0);
  if (learned === undefined || (finetuneAnchors.length > 0 && learned.step !== finetune.lastStep)) {
    const found = learned === undefined ? 'none' : `${learned.step} as the last`;
    return {
      why: `its finetune session ${finetune.index} has no scores at its last step ${finetune.lastStep} (found ${found})`,
    };
  }
  const wanted = fraction * review.lastStep;
  let nearest: AnchorScores | undefined;
  for (const anchor of reviewAnchors) {
    if (anchor.step === 0) continue;
    if (nearest === undefined || Math.abs(anchor.step - wanted) < Math.abs(nearest.step - wanted)) nearest = anchor;
  }
  if (nearest === undefined) return { why: `its review session ${review.index} has no scores after step 0` };
  const first = finetuneAnchors.find((anchor) => anchor.step === 0);
  const earlier = scores.anchors.filter((anchor) => anchor.session < finetune.index).at(-1);
  return {
    finetuneSession: finetune.index,
    reviewSession: review.index,
    reviewLastStep: review.lastStep,
    before: first ?? earlier ?? null,
    learned,
    review: nearest,
    fraction: review.lastStep > 0 ? nearest.step / review.lastStep : 1,
  };
}
