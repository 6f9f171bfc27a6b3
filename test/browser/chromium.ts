import { execFileSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

/** The machine's Chromium, kept from calling home. */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.LETHE_CHROMIUM ?? execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim(),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}
