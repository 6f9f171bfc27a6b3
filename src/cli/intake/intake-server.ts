import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Store } from '../../artifacts/store.ts';
import { messageOf } from '../../experiment/message-of.ts';
import type { IntakeEvent, IntakeRequest } from './intake-request.ts';
import { receiveFiles } from './receive-files.ts';
import { takeIn } from './take-in.ts';

export interface IntakeOptions {
  readonly store: string;
  /** Of 127.0.0.1. */
  readonly port: number;
  /** Ends without having taken anything when nobody comes for so long. */
  readonly waitMs: number;
  readonly onListening?: (port: number) => void;
}

/** Progress is told at most so often. */
const TELL_EVERY_MS = 500;

/**
 * Takes one model or data source into a store, sent over one connection to loopback, and ends: true when it was taken. What was sent lies beside the store's
 * folders until its sums are checked, and is gone however this ends; what is added appears whole or not at all.
 */
export async function serveIntake({ store, port, waitMs, onListening }: IntakeOptions): Promise<boolean> {
  const { path } = await Store.open(store);
  const folder = join(path, 'incoming', `${process.pid}-${randomBytes(6).toString('hex')}`);
  let settle: (taken: boolean) => void = () => {};
  const ended = new Promise<boolean>((resolve) => {
    settle = resolve;
  });
  let busy = false;
  const server = createServer((request, response) => {
    if (request.method !== 'PUT' || request.url !== '/intake' || busy) {
      const error = busy
        ? 'it is taking in something already'
        : `expected PUT /intake, got ${request.method} ${request.url}`;
      response.writeHead(busy ? 409 : 404, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
      return;
    }
    busy = true;
    clearTimeout(patience);
    void take(path, folder, request, response).then(settle);
  });
  // Gigabytes may take hours.
  server.requestTimeout = 0;
  const patience = setTimeout(() => settle(false), waitMs);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  onListening?.((server.address() as AddressInfo).port);
  try {
    return await ended;
  } finally {
    clearTimeout(patience);
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function take(store: string, folder: string, sent: IncomingMessage, response: ServerResponse): Promise<boolean> {
  let toldAt = 0;
  const tell = (event: IntakeEvent) => {
    const now = Date.now();
    if (event.event === 'bytes' && event.done < event.total && now - toldAt < TELL_EVERY_MS) return;
    toldAt = now;
    response.write(`${JSON.stringify(event)}\n`);
  };
  let last: IntakeEvent;
  const pieces: AsyncIterator<Uint8Array> = sent.iterator({ destroyOnReturn: false });
  try {
    const request: IntakeRequest = await receiveFiles({ [Symbol.asyncIterator]: () => pieces }, folder);
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    last = await takeIn(store, folder, request, tell);
  } catch (error) {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    last = { event: 'failed', sentence: messageOf(error) };
    process.stderr.write(`${last.sentence}\n`);
  }
  await lastWord(pieces, response, `${JSON.stringify(last)}\n`);
  return last.event === 'done';
}

/** A connection that is closed while its sender still sends loses the answer: the rest is taken and thrown away until the sender has read why. */
async function lastWord(pieces: AsyncIterator<Uint8Array>, response: ServerResponse, line: string): Promise<void> {
  if (response.destroyed) return;
  const closed = once(response, 'close');
  response.write(line);
  await Promise.race([drained(pieces), closed]);
  response.end();
  await closed;
}

async function drained(pieces: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    while (!(await pieces.next()).done);
  } catch {
    // The sender is gone.
  }
}
