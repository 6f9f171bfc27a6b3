/** Forms in which the trainer keeps a model's weights in memory. */
export const WEIGHTS_FORMS: readonly string[] = ['f32', 'bf16', 'as-stored'];

/** Option of every command that applies a model: flag, what it says. */
export const WEIGHTS_OPTION = [
  '--weights <form>',
  'how the weights are kept in memory: f32, bf16 (half; exact where the files hold bf16, otherwise rounded) or as-stored (as in the files, exact); default: f32',
] as const;
