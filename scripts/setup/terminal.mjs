// Progress of the set-up: one line a step, live on a terminal, plain when piped.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

const tty = process.stderr.isTTY === true;

/** A sentence for the person who must act; ends the set-up with exit code 2. */
export class SetupProblem extends Error {}

export function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * Runs a command, shows its last line of output with the elapsed time, keeps everything in `log`.
 * Rejects with SetupProblem naming the command, its exit code, its last lines and the log.
 */
export function run(title, command, args, { log, cwd, env, quiet = false }) {
  mkdirSync(dirname(log), { recursive: true });
  const out = createWriteStream(log, { flags: 'a' });
  out.write(`$ ${command} ${args.join(' ')}\n`);
  const started = Date.now();
  const lines = [];
  const elapsed = () => `${((Date.now() - started) / 1000).toFixed(0)} s`;
  if (!quiet && !tty) say(`· ${title} …`);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk) => {
      out.write(chunk);
      for (const line of String(chunk).split(/[\r\n]+/)) if (line.trim() !== '') lines.push(line.trim());
      if (lines.length > 200) lines.splice(0, lines.length - 100);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const tick = setInterval(
      () => {
        if (quiet) return;
        if (tty) {
          const width = (process.stderr.columns ?? 80) - title.length - 14;
          process.stderr.write(`\r\x1b[K· ${title} ${elapsed()}  ${(lines.at(-1) ?? '').slice(0, Math.max(0, width))}`);
        } else say(`· ${title}: ${elapsed()}`);
      },
      tty ? 200 : 15_000,
    );
    const end = (failure) => {
      clearInterval(tick);
      out.end();
      if (tty && !quiet) process.stderr.write('\r\x1b[K');
      if (failure === undefined) {
        if (!quiet) say(`✔ ${title} (${elapsed()})`);
        resolve(lines);
      } else {
        reject(
          new SetupProblem(
            `${title} failed: \`${command} ${args.join(' ')}\` ${failure}\n${lines
              .slice(-20)
              .map((line) => `    ${line}`)
              .join('\n')}\n  whole output: ${log}`,
          ),
        );
      }
    };
    child.on('error', (error) => end(`could not be started: ${error.message}`));
    child.on('close', (code, signal) =>
      end(code === 0 ? undefined : `ended with ${signal ?? `exit code ${code}`}, expected 0`),
    );
  });
}

/** Asks for a yes; `--yes` and CI=true answer it. Without a terminal and without an answer on stdin: no. */
export async function confirm(question, yes) {
  if (yes) return true;
  process.stderr.write(`${question} [Y/n] `);
  const answer = await new Promise((resolve) => {
    let text = '';
    process.stdin.setEncoding('utf8');
    process.stdin.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(text);
    });
    process.stdin.on('end', () => resolve(text));
    process.stdin.on('error', () => resolve(''));
  });
  process.stdin.pause();
  process.stdin.unref?.();
  if (!process.stdin.isTTY) process.stderr.write('\n');
  if (answer === '') return false;
  return /^\s*(y|yes)?\s*$/i.test(answer.split('\n')[0]);
}
