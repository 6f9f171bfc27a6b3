import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Runs `work` while no other process of this machine does so for the same store. The lock is a SQLite write transaction: the kernel frees it when its holder
 * dies, so there is nothing stale to clear away.
 */
export async function withEmbeddedLock<T>(folder: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'lock.sqlite');
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    await begin(database, file, waitMs);
    return await work();
  } finally {
    database.close();
  }
}

async function begin(database: DatabaseSync, file: string, waitMs: number): Promise<void> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    try {
      database.exec('BEGIN IMMEDIATE');
      return;
    } catch (error) {
      if (!/locked|busy/i.test(String(error))) throw error;
      if (Date.now() > deadline) {
        throw new Error(
          `waited ${Math.round(waitMs / 1000)} s for ${file}: another lethe command starts or stops the server and worker of this store. Try again when it is done.`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
