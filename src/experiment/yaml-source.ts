import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { suggest } from './suggest.ts';

/** One thing wrong in a file, for the person who edits it. */
export interface FileProblem {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  /** `sessions.finetune.batch`; empty for the file as a whole. */
  readonly field: string;
  /** What was expected and what came. */
  readonly sentence: string;
  readonly suggestion?: string;
}

export type FieldPath = readonly (string | number)[];

/** A YAML text that knows the line of each field. Problems are gathered, not thrown: a reader wants all of them at once. */
export class YamlSource {
  readonly problems: FileProblem[] = [];
  /** The content as plain values; undefined when the text is no YAML. */
  readonly value: unknown;
  readonly #path: string;
  readonly #document: ReturnType<typeof parseDocument>;
  readonly #lines = new LineCounter();

  constructor(text: string, path: string) {
    this.#path = path;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    for (const error of this.#document.errors) {
      const { line, col } = this.#lines.linePos(error.pos[0]);
      this.problems.push({
        path,
        line,
        column: col,
        field: '',
        sentence: `expected YAML, got ${lowerFirst(error.message)}`,
      });
    }
    if (this.problems.length > 0) return;
    try {
      this.value = this.#document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      this.problems.push({
        path,
        line: 1,
        column: 1,
        field: '',
        sentence: `expected YAML that can be expanded, got ${String(error)}`,
      });
    }
  }

  report(field: FieldPath, sentence: string, suggestion?: string): void {
    const { line, column } = this.#place(field);
    const problem = { path: this.#path, line, column, field: fieldName(field), sentence };
    this.problems.push(suggestion === undefined ? problem : { ...problem, suggestion });
  }

  /** `expected …, got …` with the name that was probably meant. */
  reportName(field: FieldPath, what: string, got: string, known: readonly string[]): void {
    const meant = suggest(got, known);
    this.report(field, `expected ${what}, one of ${list(known)}; got ${quote(got)}`, meant);
  }

  /** Checks one value against its schema. On failure everything wrong in it is reported and undefined comes back. */
  read<Schema extends z.ZodType>(schema: Schema, value: unknown, field: FieldPath): z.output<Schema> | undefined {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) this.#reportIssue(schema, value, field, issue);
    return undefined;
  }

  /** Checks each field of a mapping by itself: what is right can be used although something else is wrong. */
  readFields<Shape extends z.ZodRawShape>(
    shape: Shape,
    value: unknown,
    field: FieldPath,
  ): { [Name in keyof Shape]?: z.output<Shape[Name]> } {
    const out: { [Name in keyof Shape]?: z.output<Shape[Name]> } = {};
    if (!isRecord(value)) {
      this.report(field, `expected a mapping with ${list(Object.keys(shape))}; got ${describe(value)}`);
      return out;
    }
    for (const name of Object.keys(value)) {
      if (!Object.hasOwn(shape, name)) this.#reportUnknownField([...field, name], Object.keys(shape));
    }
    for (const [name, schema] of Object.entries(shape)) {
      if (schema instanceof z.ZodExactOptional && !Object.hasOwn(value, name)) continue;
      const read = this.read(schema as z.ZodType, value[name], [...field, name]);
      if (read !== undefined) out[name as keyof Shape] = read as z.output<Shape[keyof Shape]>;
    }
    return out;
  }

  #reportIssue(schema: z.ZodType, value: unknown, base: FieldPath, issue: z.core.$ZodIssue): void {
    const path = [...base, ...(issue.path as (string | number)[])];
    const came = valueAt(value, issue.path as FieldPath);
    if (issue.code === 'unrecognized_keys') {
      const known = fieldsAt(schema, issue.path as FieldPath);
      for (const key of issue.keys) this.#reportUnknownField([...path, key], known);
      return;
    }
    if (issue.code === 'invalid_union') {
      // The branch that the writer meant is the one whose kind of value fits: something inside is wrong, or the form of the text.
      const branch = issue.errors.find((errors) =>
        errors.every(({ path: inside, code }) => inside.length > 0 || code === 'invalid_format'),
      );
      if (branch && branch.length > 0) {
        for (const inner of branch)
          this.#reportIssue(schema, value, base, { ...inner, path: [...issue.path, ...inner.path] });
        return;
      }
    }
    if (issue.code === 'invalid_value') {
      const known = issue.values.map(String);
      if (typeof came === 'string') this.reportName(path, 'a known value', came, known);
      else this.report(path, `expected one of ${list(known)}, got ${describe(came)}`);
      return;
    }
    if (issue.code === 'invalid_key' || issue.code === 'invalid_element') {
      for (const inner of issue.issues)
        this.#reportIssue(schema, value, base, { ...inner, path: [...issue.path, ...inner.path] });
      return;
    }
    this.report(path, `expected ${expectation(issue)}, got ${describe(came)}`);
  }

  #reportUnknownField(path: FieldPath, known: readonly string[]): void {
    const name = String(path.at(-1));
    this.report(path, `expected one of the fields ${list(known)}; got ${quote(name)}`, suggest(name, known));
  }

  /** Where a field stands, or else where the nearest mapping around it begins. */
  #place(field: FieldPath): { line: number; column: number } {
    for (let length = field.length; length > 0; length--) {
      const parent = this.#document.getIn(field.slice(0, length - 1), true);
      const last = field[length - 1];
      if (isMap(parent)) {
        const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === last);
        const at = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
        if (at !== undefined) return this.#position(at);
        continue;
      }
      const node = this.#document.getIn(field.slice(0, length), true);
      const at = (node as { range?: readonly number[] } | undefined)?.range?.[0];
      if (at !== undefined) return this.#position(at);
    }
    return { line: 1, column: 1 };
  }

  #position(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }
}

/** The lines for the terminal: `file:line: field: sentence`, then the suggestion. */
export function formatProblems(problems: readonly FileProblem[]): string {
  return [...problems]
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .map(({ path, line, field, sentence, suggestion }) => {
      const meant = suggestion === undefined ? '' : ` (did you mean ${quote(suggestion)}?)`;
      return `${path}:${line}: ${field === '' ? '' : `${field}: `}${sentence}${meant}`;
    })
    .join('\n');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function list(names: readonly string[]): string {
  return names.join(', ');
}

export function quote(text: string): string {
  return JSON.stringify(text);
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isRecord(value)) return `a mapping with ${list(Object.keys(value)) || 'no field'}`;
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** Schemas of ours carry their bound as message; a wrong kind of value may come without one. */
function expectation(issue: z.core.$ZodIssue): string {
  if (!issue.message.startsWith('Invalid')) return issue.message;
  if (issue.code === 'invalid_type') return KINDS[issue.expected] ?? issue.expected;
  return lowerFirst(issue.message);
}

const KINDS: Readonly<Record<string, string>> = { object: 'a mapping', array: 'a list', string: 'a text' };

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function fieldName(field: FieldPath): string {
  return field
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

function valueAt(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<string | number, unknown>)[part] : undefined,
    value,
  );
}

/** Names of the fields that a schema allows at a path. */
function fieldsAt(schema: z.core.$ZodType, path: FieldPath): string[] {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodReadonly
  )
    return fieldsAt(schema.def.innerType, path);
  if (schema instanceof z.ZodPipe) return fieldsAt(schema.def.in, path);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => fieldsAt(option, path));
  const [head, ...rest] = path;
  if (schema instanceof z.ZodObject) {
    if (head === undefined) return Object.keys(schema.shape);
    const field: z.core.$ZodType | undefined = schema.shape[head];
    return field ? fieldsAt(field, rest) : [];
  }
  if (schema instanceof z.ZodArray && head !== undefined) return fieldsAt(schema.element, rest);
  return [];
}
