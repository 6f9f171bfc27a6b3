/** A sweep of texts that is over in seconds: a model of the store by the name `tiny`, sources by their default names. */
export function textSweepFile({ steps = 40 }: { readonly steps?: number } = {}): string {
  return `name: boats
title: Boats.
models: [{ weights: tiny }]
arms: [forgetting, noop-review, interleaved]
seeds: [1]
data: { kind: bbq-gsm8k, version: 1 }
training: { batch: 8, learningRate: 0.003, maxNewTokens: 8 }
sessions:
  finetune:
    train:
      - { class: unsafe, count: 6 }
      - { class: safe, count: 6 }
      - { class: task, count: 6 }
    steps: ${steps}
    anchors: [0]
  review: { train: [{ class: safe, count: 8 }], steps: 10, anchors: [0, 5] }
  interleaved: { rounds: 2 }
analysis: { scaleClaim: false, anchorStep: 5, bootstrapDraws: 200, simulationDraws: 2000 }
checkpointEvery: 10
`;
}
