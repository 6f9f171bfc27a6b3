export interface ToySweep {
  readonly name?: string;
  readonly models?: string;
  readonly arms?: string;
  readonly seeds?: string;
  readonly steps: number;
  readonly anchors?: string;
  readonly reviewSteps?: number;
  /** Further lines of the review, as YAML. */
  readonly review?: string;
  readonly anchorStep?: number;
  readonly checkpointEvery?: number;
}

/** The text of a sweep file: toys that learn 24 examples, `steps` updates each, and are reviewed. */
export function toySweepFile(toy: ToySweep): string {
  const { name = 'toy', models = 'gpt2-d8', arms = 'forgetting', seeds = '1', steps, anchors = '0' } = toy;
  const { reviewSteps = 20, review = '', anchorStep = 10, checkpointEvery } = toy;
  return `name: ${name}
title: Toys, trained for a moment.
models: [${models}]
arms: [${arms}]
seeds: [${seeds}]
data: { kind: policy-grammar, version: 1, notion: disclosure }
training: { batch: 8, learningRate: 0.003 }
sessions:
  finetune:
    train:
      - { class: unsafe, count: 8 }
      - { class: safe, count: 8 }
      - { class: task, count: 8 }
    steps: ${steps}
    anchors: [${anchors}]
  review:
    train:
      - { class: safe, count: 8 }
    steps: ${reviewSteps}
    anchors: [0, ${anchorStep}, ${reviewSteps}]
${review}analysis: { anchorStep: ${anchorStep}, scaleClaim: false, bootstrapDraws: 200, simulationDraws: 2000 }
${checkpointEvery === undefined ? '' : `checkpointEvery: ${checkpointEvery}\n`}`;
}
