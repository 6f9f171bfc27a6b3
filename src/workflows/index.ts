export { scaleSweep } from './scale-sweep.ts';
export { trainStage } from './train-stage.ts';
