import { CONTRASTS, type Estimate, type ForgettingAnalysis, MEASURES } from '../statistics/analysis.ts';

type Cell = string | number | null | undefined;

/** Every class mean: one row per arm × scale × class × measure. Full precision; an empty field was not measured. */
export function estimatesCsv(analysis: ForgettingAnalysis): string {
  const rows = analysis.arms.flatMap((arm) =>
    arm.scales.flatMap((scale) =>
      scale.classes.flatMap((one) =>
        MEASURES.map((measure): readonly Cell[] => [
          arm.arm,
          arm.role,
          scale.model,
          scale.family,
          scale.parameters,
          scale.scaleParameters,
          one.class,
          measure,
          one.items,
          one.learned,
          one.learnedShare,
          one.leastLearnedShare,
          one.knownBefore,
          one.clusters,
          ...estimateCells(one.measures[measure]),
        ]),
      ),
    ),
  );
  const head =
    'arm,role,model,family,parameters,scaleParameters,class,measure,items,learned,learnedShare,leastLearnedShare,knownBefore,clusters';
  return csv(`${head},${ESTIMATE_HEAD}`, rows);
}

/** Every paired difference: one row per arm × scale × measure × contrast. */
export function contrastsCsv(analysis: ForgettingAnalysis): string {
  const rows = analysis.arms.flatMap((arm) =>
    arm.scales.flatMap((scale) =>
      MEASURES.flatMap((measure) =>
        CONTRASTS.map((contrast): readonly Cell[] => [
          arm.arm,
          arm.role,
          scale.model,
          scale.scaleParameters,
          measure,
          contrast,
          ...estimateCells(scale.contrasts[measure][contrast]),
        ]),
      ),
    ),
  );
  return csv(`arm,role,model,scaleParameters,measure,contrast,${ESTIMATE_HEAD}`, rows);
}

const ESTIMATE_HEAD = 'runs,mean,se,lower95,upper95,seClustered,bootstrapLower95,bootstrapUpper95';

function estimateCells(estimate: Estimate | null): readonly Cell[] {
  if (estimate === null) return Array.from({ length: 8 }, () => null);
  const { runs, mean, se, interval, seClustered, bootstrap } = estimate;
  return [runs, mean, se, interval?.[0], interval?.[1], seClustered, bootstrap?.[0], bootstrap?.[1]];
}

function csv(head: string, rows: readonly (readonly Cell[])[]): string {
  return `${[head, ...rows.map((row) => row.map(cellText).join(','))].join('\n')}\n`;
}

/** Quotes where RFC 4180 asks for it; a leading =, +, @ in a name is quoted with an apostrophe, so that a spreadsheet reads it as text. */
function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell === 'number') return String(cell);
  const text = /^[=+@]/.test(cell) ? `'${cell}` : cell;
  return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
