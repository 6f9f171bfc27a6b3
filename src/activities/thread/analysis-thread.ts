import { analyseForgetting } from '../../statistics/analyse-forgetting.ts';
import type { ForgettingAnalysis } from '../../statistics/analysis.ts';
import { readTables } from '../read-tables.ts';

export default async function (input: { readonly tablesFolder: string }): Promise<ForgettingAnalysis> {
  return analyseForgetting(await readTables(input.tablesFolder));
}
