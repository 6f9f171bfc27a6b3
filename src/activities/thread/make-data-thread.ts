import { buildDataset } from '../../data/build-dataset.ts';
import type { DataReference } from '../../experiment/stage-spec.ts';

export default async function (input: {
  readonly dataFolder: string;
  readonly reference: DataReference;
}): Promise<null> {
  await buildDataset(input.dataFolder, input.reference);
  return null;
}
