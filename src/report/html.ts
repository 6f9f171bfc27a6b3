/** Markup that is already safe to write. Made only by `html` and `raw`, so that text from a sweep file or a trainer can never become a tag. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type HtmlValue = Html | string | number | false | null | undefined | readonly HtmlValue[];

/** Template tag: every value is escaped unless it is Html; arrays are joined; false, null and undefined leave nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = parts[0] ?? '';
  for (let i = 0; i < values.length; i++) text += textOf(values[i]) + (parts[i + 1] ?? '');
  return new Html(text);
}

/** Markup written by this folder itself (style sheets, scripts): no input may ever reach it. */
export function raw(text: string): Html {
  return new Html(text);
}

export function escapeText(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;');
}

function textOf(value: HtmlValue): string {
  if (value === undefined || value === null || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'number') return String(value);
  return value.map(textOf).join('');
}
