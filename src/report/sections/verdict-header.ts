import type { VerdictWord } from '../../statistics/verdict.ts';
import { cannotSay, ROLE_NOTE } from '../cannot-say.ts';
import { count, decimal, plural, prose, short } from '../format.ts';
import { type Html, html } from '../html.ts';
import { largest, primaryArm, smallest, withInterval } from '../primary.ts';
import type { ReportInput } from '../report-input.ts';
import { sentenceParts } from '../sentence.ts';

/** Neither word is good news or bad news; the colour says how much can be concluded. */
const TONES: Readonly<Record<VerdictWord, 'good' | 'plain' | 'warn' | 'bad'>> = {
  SHARP: 'good',
  GRADUAL: 'good',
  'NOT SUPPORTED': 'good',
  'METRIC-DEPENDENT': 'warn',
  INCONCLUSIVE: 'warn',
  UNDERPOWERED: 'warn',
  UNLEARNED: 'bad',
  INVALID: 'bad',
};

/** Banners: what a reader must know before the first number. */
export function banners(input: ReportInput): Html {
  const { synthetic } = input.analysis;
  const builds = input.provenance.trainerBuilds.length;
  return html`${
    synthetic !== null &&
    html`<aside class="banner synthetic" aria-label="Synthetic tables"><p><strong>Synthetic demonstration.</strong>${synthetic.trim()}</p></aside>`
  }${
    input.exploratory !== undefined &&
    html`<aside class="banner exploratory" aria-label="Exploratory"><p><strong>Exploratory.</strong>${input.exploratory}</p></aside>`
  }${
    input.policyGrammar &&
    html`<aside class="banner role" aria-label="Roles of a synthetic grammar"><p><strong>Mechanism, not harm.</strong>${ROLE_NOTE}</p></aside>`
  }${
    builds > 1 &&
    html`<aside class="banner exploratory" aria-label="Mixed trainer builds"><p><strong>Mixed builds.</strong>The stages were made by ${builds} different builds of the trainer; equality of bits is promised within one build only (see <a href="#provenance">provenance</a>).</p></aside>`
  }`;
}

/** The verdict in a sentence, its numbers, its reasons and caps, and what it cannot say. */
export function verdictHeader(input: ReportInput): Html {
  const { analysis } = input;
  const { verdict } = analysis;
  const { claim, scope } = sentenceParts(verdict);
  return html`<header><p class="mark-line"><b>Lethe</b><span>${input.sweep}</span><span>${input.generatedAt.slice(0, 10)}</span>${
    analysis.planHash !== null && html`<span>plan <span class="key">${short(analysis.planHash)}</span></span>`
  }</p><div class="verdict" id="verdict"><div class="word-row"><span class="word ${TONES[verdict.verdict]}">${verdict.verdict}</span>${
    verdict.raw !== verdict.verdict && html`<small>${verdict.raw} by the decision table, before caps</small>`
  }${input.exploratory !== undefined && html`<small>exploratory</small>`}</div><h1>${claim}${scope !== '' && html` <small>${scope}</small>`}</h1>${facts(input)}<div class="says"><div><h2>Why</h2>${reasons(verdict.reasons)}${
    verdict.caps.length > 0 &&
    html`<h2>What held it back</h2><ul>${verdict.caps.map(
      (cap) =>
        html`<li><b>${cap.rule.replaceAll('-', ' ')}</b> (${cap.from === cap.to ? `${cap.to} stays` : `${cap.from} → ${cap.to}`}): ${prose(cap.why)}</li>`,
    )}</ul>`
  }</div><div><h2>What it cannot say</h2><ul>${cannotSay(input).map((line) => html`<li>${line}</li>`)}</ul></div></div></div></header>`;
}

/** All reasons; when one rule speaks for many scales and classes, the first of them are enough at first sight. */
function reasons(all: readonly string[]): Html {
  const list = (some: readonly string[]): Html =>
    html`<ul>${some.map((reason) => html`<li>${prose(reason)}</li>`)}</ul>`;
  if (all.length <= AT_FIRST_SIGHT + 1) return list(all);
  return html`${list(all.slice(0, AT_FIRST_SIGHT))}<details><summary>${all.length - AT_FIRST_SIGHT} more reasons</summary>${list(
    all.slice(AT_FIRST_SIGHT),
  )}</details>`;
}

const AT_FIRST_SIGHT = 7;

function facts(input: ReportInput): Html {
  const { analysis } = input;
  const arm = primaryArm(analysis);
  const [low, high] = [smallest(arm), largest(arm)];
  const present = analysis.plannedRuns - analysis.missing.length;
  const items: readonly (readonly [string, string, string])[] = [
    [
      'scales',
      String(analysis.scaleCount),
      low && high ? `${count(low.scaleParameters)} to ${count(high.scaleParameters)}` : '',
    ],
    ['span', `${decimal(analysis.spanDecades, 1)} decades`, 'of non-embedding parameters'],
    ['seeds a scale', String(analysis.seedCount), `${present} of ${plural(analysis.plannedRuns, 'run')} here`],
    gapFact('gap at the smallest scale', withInterval(low?.contrasts.continuous.smaller)),
    gapFact('gap at the largest scale', withInterval(high?.contrasts.continuous.smaller)),
    [
      'minimum detectable',
      decimal(analysis.tests.continuous.minimumDetectable),
      `smallest effect of interest ${decimal(analysis.plan.smallestEffect)}`,
    ],
  ];
  return html`<dl class="facts">${items.map(
    ([name, value, note]) =>
      html`<div><dt>${name}</dt><dd>${value}${note !== '' && html`<small>${note}</small>`}</dd></div>`,
  )}</dl>`;
}

/** `+0.42 (0.35 to 0.49)` with the interval as the small line. */
function gapFact(name: string, text: string): readonly [string, string, string] {
  const [mean, rest] = text.split(' (');
  return [name, mean ?? text, rest === undefined ? 'no interval' : `95\u00a0% interval ${rest.replace(')', '')}`];
}
