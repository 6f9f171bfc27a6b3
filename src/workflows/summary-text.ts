/** What fits into a summary, the 200 bytes beside an event in the Temporal UI; names and reasons are ASCII. */
export function summaryText(text: string): string {
  return text.length <= 190 ? text : `${text.slice(0, 189)}…`;
}

export function reopenedSummary(by: string, labels: readonly string[]): string {
  return summaryText(`${by} re-opened ${labels.length === 1 ? '' : `${labels.length} stages: `}${labels.join(', ')}`);
}
