import { instant } from './format.ts';
import { type Html, type HtmlValue, html, raw } from './html.ts';
import { STYLE_SHEET } from './style-sheet.ts';

/** A self-contained page: everything inline, and a policy under which the browser itself refuses to load or run anything. */
export function pageShell(title: string, body: HtmlValue): Html {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="robots" content="noindex"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"><link rel="icon" href="data:,"><title>${title}</title><style>${raw(
    STYLE_SHEET,
  )}</style></head><body>${body}</body></html>
`;
}

export interface PageSection {
  readonly id: string;
  /** Its name in the contents. */
  readonly name: string;
  readonly content: Html;
}

/** Contents at the side (on top on a phone) and the sections that have something to say. */
export function pageSections(sections: readonly PageSection[]): Html {
  const shown = sections.filter(({ content }) => content.text !== '');
  return html`<div class="layout"><nav class="contents" aria-label="Contents"><ol>${shown.map(
    ({ id, name }) => html`<li><a href="#${id}">${name}</a></li>`,
  )}</ol></nav><main>${shown.map(({ content }) => content)}</main></div>`;
}

export function pageFooter(version: string, generatedAt: string): Html {
  return html`<footer>Written by Lethe ${version} on ${instant(generatedAt)}. Examples are named by id only; no example text is part of this report.</footer>`;
}
