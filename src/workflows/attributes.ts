import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { cutKeyword, cutList, type LetheState } from '../experiment/search-attributes.ts';

const SWEEP = defineSearchAttributeKey('LetheSweep', 'KEYWORD_LIST');
const RUNS = defineSearchAttributeKey('LetheRuns', 'KEYWORD_LIST');
const ARMS = defineSearchAttributeKey('LetheArms', 'KEYWORD_LIST');
const MODEL = defineSearchAttributeKey('LetheModel', 'KEYWORD');
const STAGE = defineSearchAttributeKey('LetheStage', 'KEYWORD');
const STATE = defineSearchAttributeKey('LetheState', 'KEYWORD');
const PARAMETERS = defineSearchAttributeKey('LetheParameters', 'INT');
const SEED = defineSearchAttributeKey('LetheSeed', 'INT');

/** By what a stage is found. Every list is cut here, because a child started with a list that is too long terminates its parent. */
export function stageAttributes(stage: {
  readonly sweepId: string;
  readonly runs: readonly string[];
  readonly arms: readonly string[];
  readonly model: string;
  readonly label: string;
  readonly parameters: number;
  readonly seed: number;
}): SearchAttributePair[] {
  return [
    { key: SWEEP, value: cutList([stage.sweepId]) },
    { key: RUNS, value: cutList(stage.runs) },
    { key: ARMS, value: cutList(stage.arms) },
    { key: MODEL, value: cutKeyword(stage.model) },
    { key: STAGE, value: cutKeyword(stage.label) },
    stateAttribute('started'),
    { key: PARAMETERS, value: stage.parameters },
    { key: SEED, value: stage.seed },
  ];
}

/** The last decision about a stage or sweep. */
export function stateAttribute(state: LetheState): SearchAttributePair {
  return { key: STATE, value: cutKeyword(state) };
}
