import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RowResult } from '../../../src/drill/row-result.ts';

interface KeptRow {
  readonly round: number;
  readonly result: RowResult;
}

/** Rows of a drill of many rounds, kept in a file line by line, so that a drill that was broken off goes on where it was. */
export class KeptRows {
  private readonly file: string;
  private readonly rows: KeptRow[];

  constructor(file: string) {
    this.file = file;
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    // The last line may have been cut off with the machine: what comes next must not be written behind it.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole !== text) writeFileSync(file, whole);
    const lines = whole.split('\n').slice(0, -1);
    this.rows = lines.map((line) => JSON.parse(line) as KeptRow);
  }

  has(round: number, row: string): boolean {
    return this.rows.some((kept) => kept.round === round && kept.result.row === row);
  }

  add(round: number, result: RowResult): void {
    mkdirSync(dirname(this.file), { recursive: true });
    appendFileSync(this.file, `${JSON.stringify({ round, result })}\n`, { flush: true });
    this.rows.push({ round, result });
  }

  of(row: string): readonly RowResult[] {
    return this.rows.map(({ result }) => result).filter((result) => result.row === row);
  }

  remove(): void {
    rmSync(this.file, { force: true });
  }
}
