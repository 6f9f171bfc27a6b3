import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../artifacts/publish.ts';
import { renderVerdictText } from '../report/verdict-text.ts';
import type { ForgettingAnalysis } from '../statistics/analysis.ts';
import { shownPath } from './project-folder.ts';

/** The verdict for a terminal, from a report folder; empty when no run was whole. */
export async function verdictLines(reportFolder: string, width: number): Promise<string[]> {
  let analysis: ForgettingAnalysis;
  try {
    analysis = JSON.parse(await readFile(join(reportFolder, 'analysis.json'), 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
  const report = shownPath(join(reportFolder, 'index.html'));
  return renderVerdictText(analysis, report, Math.min(120, width)).split('\n');
}
