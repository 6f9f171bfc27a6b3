import { JOB_NAME_LABEL } from '../../jobs/kubernetes/names-and-labels.ts';
import type { Fault } from '../fault.ts';

export const JOB_DELETED: Fault = {
  provoke: async (world) => {
    await world.firstCheckpoint();
    const { metadata } = await world.job();
    world.strike();
    await world.delete('jobs', metadata.name, { propagationPolicy: 'Background' });
  },
};

/** The Job goes and its pod stays, under no name that anyone looks for: what a lost node does, without one. */
export const OLD_POD_HIDDEN: Fault = {
  provoke: async (world) => {
    const { api } = world.parts;
    await world.firstCheckpoint();
    const [pod, job] = [await world.pod(), await world.job()];
    world.strike();
    await world.delete('jobs', job.metadata.name, { propagationPolicy: 'Orphan' });
    const path = `${world.path('jobs')}/${job.metadata.name}`;
    while ((await api.find(path)) !== undefined) await new Promise((resolve) => setTimeout(resolve, 50));
    const labels = { [JOB_NAME_LABEL]: null, 'job-name': null };
    await api.call({
      method: 'PATCH',
      path: `${world.path('pods')}/${pod.metadata.name}`,
      body: { metadata: { labels } },
    });
  },
};
