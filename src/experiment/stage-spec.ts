/** What one stage is asked to do: the content of `run.json`, and all that its key covers. docs/formats.md shows it with an example. */

export const STAGE_KINDS = ['pretrain', 'align', 'finetune', 'review', 'filter', 'retrain', 'score'] as const;
export type StageKind = (typeof STAGE_KINDS)[number];

export const FAMILIES = ['gpt2', 'llama'] as const;
export type Family = (typeof FAMILIES)[number];

export const EXAMPLE_CLASSES = ['unsafe', 'safe', 'task'] as const;
export type ExampleClass = (typeof EXAMPLE_CLASSES)[number];

/** A decoder's shape. `feedForward` is the inner width (GPT-2: usually 4 × width; LLaMA: the SwiGLU width). */
export interface ModelSpec {
  readonly family: Family;
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly feedForward: number;
  /** Longest sequence in tokens, prompt and response together. */
  readonly context: number;
  readonly vocabulary: number;
  readonly tiedHead: boolean;
  readonly normEpsilon: number;
  /** Base of the rotary angles; used by the LLaMA family only. */
  readonly ropeBase: number;
  /** Standard deviation of the normal initialisation (GPT-2: .02). */
  readonly initialRange: number;
  /** How rotary frequencies are stretched for longer contexts; LLaMA family only, absent: not at all. */
  readonly ropeScaling?: RopeScaling;
}

export type RopeScaling =
  | { readonly kind: 'linear'; readonly factor: number }
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalContext: number;
    };

export type StageStart =
  | { readonly kind: 'random'; readonly seed: number }
  | { readonly kind: 'stage'; readonly key: string }
  | { readonly kind: 'weights'; readonly digest: string };

/** How a dataset is made. Every variant names all that decides its bytes; `src/data/` builds the folder `data/<digest>/` from it. */
export interface DataRecipe {
  readonly kind: string;
  readonly [field: string]: JsonValue;
}

export type JsonValue = string | number | boolean | readonly JsonValue[] | { readonly [field: string]: JsonValue };

/** `digest` = sha256 of the canonical JSON of `recipe`: it names the data before they are built. */
export interface DataReference {
  readonly digest: string;
  readonly recipe: DataRecipe;
}

export interface OptimizerSpec {
  readonly kind: 'adamw';
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Largest global gradient norm; 0 = no clipping. */
  readonly clipNorm: number;
}

export interface ScheduleSpec {
  readonly kind: 'constant' | 'linear' | 'cosine';
  readonly warmupSteps: number;
}

/** Training ends at a check where every class has reached both thresholds. */
export interface StopRule {
  readonly everySteps: number;
  /** Mean exact match of each class. */
  readonly exactMatch: number;
  /** Share of each class with exact match and geometric-mean token probability ≥ .8. */
  readonly learnedShare?: number;
}

/** Matrices that may get adapters, by family, under their Hugging Face names. */
export const LORA_TARGETS_OF: Readonly<Record<Family, readonly LoraTarget[]>> = {
  gpt2: ['c_attn', 'c_proj', 'c_fc'],
  llama: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
};
export const LORA_TARGETS = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
  'c_attn',
  'c_proj',
  'c_fc',
] as const;
export type LoraTarget = (typeof LORA_TARGETS)[number];

/** What of the model is trained. Absent in a spec: everything. */
export type Tuning =
  | {
      readonly kind: 'lora';
      readonly rank: number;
      /** The adapters' product is scaled by alpha / rank. */
      readonly alpha: number;
      readonly dropout: number;
      readonly targets: readonly LoraTarget[];
    }
  | { readonly kind: 'top-block' }
  | { readonly kind: 'head' };

/**
 * How matrices that are not trained are kept (absent: as fp32). bf16 halves them, rounding weights that did not come as bf16; as-stored is the number format of the file
 * that they come from, which changes no bit.
 */
export const FROZEN_FORMS = ['bf16', 'as-stored'] as const;
export type FrozenForm = (typeof FROZEN_FORMS)[number];

export interface TrainSpec {
  readonly data: DataReference;
  readonly lossOn: 'response' | 'all';
  /** Examples of one optimizer update (micro-batch × accumulation is a resource matter and not here). */
  readonly batch: number;
  readonly steps: number;
  readonly optimizer: OptimizerSpec;
  readonly schedule: ScheduleSpec;
  readonly stop?: StopRule;
  readonly tuning?: Tuning;
  /** Only with a tuning. */
  readonly frozenWeights?: FrozenForm;
}

export interface ScoreSpec {
  readonly data: DataReference;
  /** Anchors; the last step is always one too. */
  readonly atSteps: readonly number[];
  readonly maxNewTokens: number;
}

export interface StageSpec {
  readonly format: 'lethe-stage/1';
  readonly kind: StageKind;
  readonly backend: 'cpu' | 'cuda';
  readonly precision: 'fp32';
  /** Numerics version of the trainer: raised when results move beyond the stated tolerance. */
  readonly numerics: number;
  readonly model: ModelSpec;
  readonly start: StageStart;
  readonly seed: number;
  readonly train?: TrainSpec;
  readonly score?: ScoreSpec;
}
