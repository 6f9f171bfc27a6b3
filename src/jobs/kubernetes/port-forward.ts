import { type Duplex, duplexPair, PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { messageOf } from '../../experiment/message-of.ts';

/** Thrown when a port of a pod cannot be reached through the API server. */
export class ForwardFailed extends Error {
  override readonly name = 'ForwardFailed';
}

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** Bytes that may wait in the socket: beyond that the sender waits too, or gigabytes of weights would wait in memory. */
const MOST_WAITING = 4 * 2 ** 20;
const LOOK_MS = 5;
const OPEN_MS = 15_000;

/**
 * A connection to a port of a pod's own loopback, through the API server and with the caller's rights, as `kubectl port-forward` makes it; no port is opened on
 * this machine. Rejects with `ForwardFailed`; one that breaks later is destroyed with it.
 */
export async function forwardToPod(config: KubeConfig, { namespace, pod, port }: PodPort): Promise<Duplex> {
  const { PortForward } = await import('@kubernetes/client-node');
  const [near, far] = duplexPair();
  const said = new PassThrough();
  const input = new PassThrough();
  // It may break before anybody listens to it; who uses it then sees that it is destroyed, and why.
  near.on('error', () => {});
  const what = `port ${port} of pod ${namespace}/${pod}`;
  const fail = (why: string) => near.destroy(new ForwardFailed(`${what} cannot be reached: ${why}`));
  said.on('data', (text: Buffer) => text.length > 0 && fail(text.toString('utf8').trim()));
  const opening = new PortForward(config).portForward(namespace, pod, [port], far, said, input);
  const socket = await Promise.race([opening, sleep(OPEN_MS, undefined, { ref: false })]).catch((error: unknown) => {
    throw new ForwardFailed(`${what} cannot be reached: ${messageOf(error)}`);
  });
  if (socket === undefined || typeof socket === 'function')
    throw new ForwardFailed(`${what} cannot be reached: no answer within ${OPEN_MS / 1000} s`);
  socket.onclose = () => far.end();
  near.once('close', () => socket.close());
  void (async () => {
    for await (const piece of far as AsyncIterable<Buffer>) {
      input.write(piece);
      while (socket.bufferedAmount > MOST_WAITING) await sleep(LOOK_MS);
    }
  })().catch((error: unknown) => fail(messageOf(error)));
  return near;
}
