import type { TestProject } from 'vitest/node';
import { startTemporalServer } from '../support/temporal-server.ts';
import { NAMESPACE } from './namespace.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    temporalAddress: string;
  }
}

/** One Temporal development server for all files of the project; every test has its own store, and with it its own task queue and workflow ids. */
export default async function setup(project: TestProject): Promise<() => void> {
  const { port, stop } = await startTemporalServer(NAMESPACE);
  project.provide('temporalAddress', `127.0.0.1:${port}`);
  return stop;
}
