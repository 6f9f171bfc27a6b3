import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from './api-client.ts';
import { pathOf } from './api-paths.ts';
import { byAge, isOver, type Pod } from './cluster-objects.ts';
import { podsOfJob } from './pods-of-job.ts';

const LOOK_EVERY_MS = 1_000;
/** The most of a log that one look takes. */
const MOST_BYTES = 1 << 20;

/** What the newest pod of a Job has said, `lines` from the end; undefined when it has no pod, or none whose container ever started. */
export async function podLog(api: ApiClient, job: string, lines: number): Promise<readonly string[] | undefined> {
  const pod = await newestPod(api, job);
  return pod && (await read(api, pod, { tailLines: String(lines) })).map(({ text }) => text);
}

/** Shows what a Job's pods say from now on, until the newest of them is over. */
export async function followPodLog(api: ApiClient, job: string, show: (line: string) => void): Promise<void> {
  // To the second: what the server takes for `sinceTime`; lines that were shown are known by their own time.
  let last = new Date().toISOString();
  for (;;) {
    const pod = await newestPod(api, job);
    if (pod === undefined) return;
    const said = await read(api, pod, { sinceTime: `${last.slice(0, 19)}Z` });
    for (const { time, text } of said) {
      if (time <= last) continue;
      last = time;
      show(text);
    }
    if (isOver(pod)) return;
    await sleep(LOOK_EVERY_MS);
  }
}

async function newestPod(api: ApiClient, job: string): Promise<Pod | undefined> {
  return byAge(await podsOfJob(api, job)).at(-1);
}

async function read(
  api: ApiClient,
  { metadata, status }: Pod,
  query: Readonly<Record<string, string>>,
): Promise<{ readonly time: string; readonly text: string }[]> {
  const state = status?.containerStatuses?.[0]?.state;
  // Before its container has started the server answers 400.
  if (state?.running === undefined && state?.terminated === undefined) return [];
  const text = await api.call<string>({
    method: 'GET',
    path: `${pathOf(api, 'pods', metadata.name)}/log`,
    query: { ...query, timestamps: 'true', limitBytes: String(MOST_BYTES) },
    answer: 'text',
  });
  return text.split('\n').flatMap((line) => {
    const blank = line.indexOf(' ');
    return blank < 0 ? [] : [{ time: line.slice(0, blank), text: line.slice(blank + 1) }];
  });
}
