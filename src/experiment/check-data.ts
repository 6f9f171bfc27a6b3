import { commandToAddSource, type InputCatalog, type SourceKind } from './input-catalog.ts';
import { EXAMPLE_CLASSES, type ExampleClass } from './stage-spec.ts';
import { suggest } from './suggest.ts';
import type { Draft } from './sweep-draft.ts';
import type { WrittenPart } from './sweep-schema.ts';
import { type FieldPath, quote, type YamlSource } from './yaml-source.ts';

/** Arms whose data only the grammar can make: a second notion, or answers of the other kind to every prompt. */
const GRAMMAR_ARMS = ['mismatched-review', 'label-swap'] as const;

/** What a sweep of real texts needs: its sources in the store, models with a tokenizer, no more examples than there are. */
export function checkData(source: YamlSource, draft: Draft, inputs: InputCatalog): void {
  const { data, arms, models } = draft;
  if (data.kind === 'policy-grammar') return;
  for (const arm of GRAMMAR_ARMS) {
    const index = arms?.indexOf(arm) ?? -1;
    if (index >= 0)
      source.report(
        ['arms', index],
        `expected an arm for texts, got ${arm}: only the policy grammar can make its examples`,
      );
  }
  for (const [index, { name, weights }] of (models ?? []).entries()) {
    const model = weights === undefined ? undefined : inputs.weights[weights];
    if (weights !== undefined && (model === undefined || model.tokenizer !== undefined)) continue;
    source.report(
      ['models', index],
      `expected a model with a tokenizer for data of kind ${data.kind}, such as { weights: NAME }; got ${quote(name)}, which has none`,
    );
  }
  const named: readonly (readonly [field: string, kind: SourceKind, name: string | undefined])[] =
    data.kind === 'jsonl'
      ? [['source', 'jsonl', data.source]]
      : [
          ['bbq', 'bbq', data.bbq],
          ['gsm8k', 'gsm8k', data.gsm8k],
        ];
  for (const [field, kind, name] of named) if (name !== undefined) checkSource(source, field, { kind, name }, inputs);
  checkParts(source, draft, inputs);
}

function checkSource(
  source: YamlSource,
  field: string,
  { kind, name }: { readonly kind: SourceKind; readonly name: string },
  { sources, store }: InputCatalog,
): void {
  const added = Object.hasOwn(sources, name) ? sources[name] : undefined;
  if (added === undefined) {
    const known = Object.keys(sources).filter((other) => sources[other]?.kind === kind);
    source.report(
      ['data', field],
      `expected a data source that was added to the store, got ${quote(name)}; add it with: ${commandToAddSource(kind, name, store)}`,
      suggest(name, known),
    );
  } else if (added.kind !== kind) {
    source.report(['data', field], `expected a data source of kind ${kind}, got ${quote(name)} of kind ${added.kind}`);
  }
}

/** No notion of its own, and no class with more examples than its source holds in all. */
function checkParts(source: YamlSource, draft: Draft, inputs: InputCatalog): void {
  const { sessions } = draft;
  const places: readonly (readonly [FieldPath, readonly WrittenPart[] | undefined])[] = [
    ...(['align', 'finetune', 'review'] as const).flatMap((name): [FieldPath, readonly WrittenPart[] | undefined][] => [
      [['sessions', name, 'train'], sessions[name]?.train],
      [['sessions', name, 'score'], sessions[name]?.score],
    ]),
    [['sessions', 'replay'], sessions.replay],
  ];
  const most = examplesOf(draft, inputs);
  for (const [field, parts] of places) {
    for (const [index, part] of (parts ?? []).entries()) {
      if (part.notion !== undefined)
        source.report([...field, index, 'notion'], 'expected no notion with texts, which have one; got one');
      const there = most[part.class];
      if (there !== undefined && part.count > there)
        source.report(
          [...field, index, 'count'],
          `expected at most the ${there} ${part.class} examples of the source, got ${part.count}`,
        );
    }
  }
}

function examplesOf({ data }: Draft, { sources }: InputCatalog): Partial<Record<ExampleClass, number>> {
  if (data.kind === 'policy-grammar') return {};
  const examples = (name: string | undefined) => (name === undefined ? undefined : sources[name]?.examples);
  const only = (exampleClass: ExampleClass, count: number | undefined) =>
    count !== undefined && { [exampleClass]: count };
  if (data.kind === 'jsonl') {
    const own = examples(data.source);
    return own ? Object.fromEntries(EXAMPLE_CLASSES.map((exampleClass) => [exampleClass, own[exampleClass] ?? 0])) : {};
  }
  const bbq = examples(data.bbq);
  return {
    ...only('unsafe', bbq?.unsafe),
    ...only('safe', bbq?.safe),
    ...only('task', examples(data.gsm8k)?.task),
  };
}
