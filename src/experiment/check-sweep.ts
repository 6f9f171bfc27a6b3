import { checkData } from './check-data.ts';
import { checkModels, type KnownModels } from './check-models.ts';
import { reportRepeats } from './report-repeats.ts';
import { EXAMPLE_CLASSES } from './stage-spec.ts';
import { anchorSteps, type Draft, notionOfDraft, primaryArmOf, primaryReview } from './sweep-draft.ts';
import type { WrittenChanges, WrittenPart, WrittenSession } from './sweep-schema.ts';
import { type FieldPath, list, type YamlSource } from './yaml-source.ts';

const MOST_RUNS = 100_000;

/** What fields must be to each other. Each check says what it needs and keeps silent where that could not be read: it was reported already. */
export function checkSweep(source: YamlSource, draft: Draft, known: KnownModels): void {
  if (draft.backend === 'cuda')
    source.report(['backend'], 'expected cpu, got cuda: this trainer was built without CUDA');
  checkModels(source, draft, known);
  checkData(source, draft, known.inputs);
  reportRepeats(source, ['arms'], draft.arms ?? [], 'an arm');
  checkSeeds(source, draft);
  checkSessions(source, draft);
  checkAnalysis(source, draft);
  const runs = (draft.models?.length ?? 0) * (draft.arms?.length ?? 0) * (draft.seeds?.length ?? 0);
  if (runs > MOST_RUNS)
    source.report(['models'], `expected at most ${MOST_RUNS} runs (models × arms × seeds), got ${runs}`);
}

function checkSeeds(source: YamlSource, draft: Draft): void {
  const { seeds } = draft;
  if (!seeds) return;
  if (seeds.length === 0)
    source.report(['seeds'], 'expected a range from its lower to its higher end, got one that is empty');
  if (seeds.length > 10_000) source.report(['seeds'], 'expected at most 10000 seeds, got more');
  reportRepeats(source, ['seeds'], seeds, 'a seed');
  if (draft.analysis.scaleClaim !== false && new Set(seeds).size === 1)
    source.report(
      ['seeds'],
      'expected at least 2 seeds to test a claim about scale (or analysis.scaleClaim: false), got 1: one seed has no error to test against',
    );
}

function checkSessions(source: YamlSource, draft: Draft): void {
  const { sessions } = draft;
  const named = {
    pretrain: sessions.pretrain,
    align: sessions.align,
    finetune: sessions.finetune,
    review: sessions.review,
  };
  for (const [name, session] of Object.entries(named)) if (session) checkSession(source, ['sessions', name], session);
  if (sessions.replay) checkParts(source, ['sessions', 'replay'], sessions.replay);
  if (sessions.review?.stop !== undefined && sessions.review.stop !== 'off')
    source.report(
      ['sessions', 'review', 'stop'],
      'expected a review without stop rule, got one: the anchor must be the same step at every scale',
    );
  const rounds = sessions.interleaved;
  if (!rounds && draft.arms?.includes('interleaved'))
    source.report(
      ['sessions'],
      'expected a section `interleaved` with its rounds, as the arm interleaved is asked for; got none',
    );
  for (const name of ['finetune', 'review'] as const) {
    const base = sessions[name];
    const changes = rounds?.[name];
    if (base && changes) checkSession(source, ['sessions', 'interleaved', name], { ...base, ...changes }, changes);
  }
  const noisy = sessions.finetune?.train ?? [];
  const notion = notionOfDraft(draft);
  if (!sessions.finetune || notion === undefined) return;
  const missing = EXAMPLE_CLASSES.filter(
    (wanted) => !noisy.some((part) => part.class === wanted && (part.notion ?? notion) === notion),
  );
  if (missing.length > 0)
    source.report(
      ['sessions', 'finetune', 'train'],
      `expected parts of the classes ${list(EXAMPLE_CLASSES)} in the notion ${notion}, got none of ${list(missing)}: forgetting is compared between them`,
    );
}

/** `written` = the fields that stand at this place of the file: what was taken from elsewhere is reported there. */
function checkSession(
  source: YamlSource,
  field: FieldPath,
  session: WrittenSession,
  written: WrittenChanges = session,
): void {
  if (written.train) checkParts(source, [...field, 'train'], written.train);
  if (written.score) checkParts(source, [...field, 'score'], written.score);
  const { steps, stop, warmupSteps } = session;
  /** The field to blame: the one that stands here, or else the steps that were changed here. */
  const place = (name: keyof WrittenChanges): FieldPath | undefined => {
    if (written[name] !== undefined) return [...field, name];
    return written.steps === undefined ? undefined : [...field, 'steps'];
  };
  const anchors = anchorSteps(session);
  const anchorsPlace = place('anchors');
  for (const [index, step] of anchors.entries()) {
    if (!anchorsPlace) break;
    const at = Array.isArray(written.anchors) ? [...anchorsPlace, index] : anchorsPlace;
    const before = anchors[index - 1];
    if (step > steps) source.report(at, `expected an anchor within the session's ${steps} steps, got ${step}`);
    if (before !== undefined && step <= before && written.anchors)
      source.report(at, `expected anchors in rising order, got ${step} after ${before}`);
  }
  if (anchorsPlace && anchors.length > 10_000)
    source.report(anchorsPlace, `expected at most 10000 anchors, got ${anchors.length}`);
  const stopPlace = place('stop');
  if (stopPlace && typeof stop === 'object' && stop.everySteps > steps)
    source.report(
      written.stop ? [...stopPlace, 'everySteps'] : stopPlace,
      `expected a check within the session's ${steps} steps, got every ${stop.everySteps}`,
    );
  const warmupPlace = place('warmupSteps');
  if (warmupPlace && warmupSteps !== undefined && warmupSteps > steps)
    source.report(warmupPlace, `expected a warm-up within the session's ${steps} steps, got ${warmupSteps}`);
}

function checkParts(source: YamlSource, field: FieldPath, parts: readonly WrittenPart[]): void {
  const seen = new Set<string>();
  for (const [index, part] of parts.entries()) {
    const identity = `${part.notion ?? ''} ${part.class} ${part.split ?? ''}`;
    if (seen.has(identity))
      source.report(
        [...field, index],
        'expected parts that differ in notion, class or split, got one that stands above already; raise its count instead',
      );
    seen.add(identity);
  }
}

function checkAnalysis(source: YamlSource, draft: Draft): void {
  const { arms, analysis } = draft;
  const primary = analysis.primaryArm ?? (arms && primaryArmOf(arms));
  if (arms && primary && !arms.includes(primary))
    source.report(['analysis', 'primaryArm'], `expected an arm of this sweep (${list(arms)}), got ${primary}`);
  const review = primaryReview(draft);
  if (!review || analysis.anchorStep === undefined) return;
  const anchors = anchorSteps(review);
  const step = analysis.anchorStep;
  if (step !== review.steps && !anchors.includes(step))
    source.report(
      ['analysis', 'anchorStep'],
      `expected an anchor of the review (${list([...anchors, review.steps].map(String))}), got ${step}`,
    );
}
