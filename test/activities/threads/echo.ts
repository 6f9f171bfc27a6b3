import { threadId } from 'node:worker_threads';

/** Answers with what it was asked and the thread it ran in; `fail` throws, `hang` never answers. */
export default async function (input: { readonly say: string }): Promise<{ said: string; thread: number }> {
  if (input.say === 'fail') throw new RangeError('expected less, got more');
  if (input.say === 'hang') await new Promise(() => setInterval(() => {}, 1_000));
  if (input.say === 'die') process.exit(3);
  return { said: input.say, thread: threadId };
}
