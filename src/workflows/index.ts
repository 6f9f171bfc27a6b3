export { scaleSweep } from './scale-sweep.ts';
export { collectGarbage, freezeSweep } from './store-errands.ts';
export { trainStage } from './train-stage.ts';
