import { join } from 'node:path';
import { addModel } from '../inputs/add-model.ts';
import { addSource } from '../inputs/add-source.ts';
import type { IntakeEvent, IntakeRequest } from './intake-request.ts';

/** Brings what was received into the store: files in `folder`, on the store's own file system, are linked, not copied. Without files the Job fetches the source itself. */
export async function takeIn(
  store: string,
  folder: string,
  request: IntakeRequest,
  tell: (event: IntakeEvent) => void,
): Promise<IntakeEvent> {
  const { replace, source } = request;
  if (request.kind === 'source') {
    const path = request.single === undefined ? folder : join(folder, request.single);
    const added = await addSource(store, {
      ...{ kind: request.sourceKind, path, name: request.name, link: true, replace },
      source,
    });
    return { event: 'done', name: request.name, ...added };
  }
  const received = Object.keys(request.files).length > 0;
  const { licence } = request;
  const added = await addModel(store, {
    what: received ? folder : source,
    ...(request.named && { name: request.name }),
    link: received,
    replace,
    ...(received && { origin: { source, ...(licence !== undefined && { licence }) } }),
    scratch: folder,
    say: (text) => tell({ event: 'say', text }),
    onBytes: (done, total) => tell({ event: 'bytes', done, total }),
  });
  return { event: 'done', ...added };
}
