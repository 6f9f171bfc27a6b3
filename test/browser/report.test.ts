/// <reference lib="dom" />
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderReport } from '../../src/report/render-report.ts';
import { sentenceParts } from '../../src/report/sentence.ts';
import { reportFixture } from '../report/report-fixture.ts';
import { launchChromium } from './chromium.ts';

const CLAIM = sentenceParts(reportFixture().analysis.verdict).claim;
const VIEWS = [
  { width: 1280, scheme: 'light' },
  { width: 1280, scheme: 'dark' },
  { width: 390, scheme: 'light' },
  { width: 390, scheme: 'dark' },
  { width: 360, scheme: 'light' },
] as const;

let browser: Browser;
let folder: string;
let address: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-report-'));
  const input = reportFixture({ interleaved: true, synthetic: 'A planted hinge at the fourth scale.' });
  const bundle = await renderReport(input);
  await writeFile(join(folder, 'index.html'), bundle.files['index.html'] ?? '');
  address = pathToFileURL(join(folder, 'index.html')).href;
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Opens the report without a network; collects what it says on the console and what it asks for. */
async function open(view: (typeof VIEWS)[number]): Promise<{ page: Page; complaints: string[]; requests: string[] }> {
  const context = await browser.newContext({
    viewport: { width: view.width, height: 844 },
    colorScheme: view.scheme,
    offline: true,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(address);
  return { page, complaints, requests };
}

describe.each(VIEWS)('the report at $width pixels, $scheme', (view) => {
  it('opens offline without a request or a complaint, and shows the verdict first', async () => {
    const { page, complaints, requests } = await open(view);
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([address]);
    const heading = page.locator('h1');
    expect(await heading.textContent()).toContain(CLAIM);
    const box = await heading.boundingBox();
    expect(box?.height).toBeGreaterThan(20);
    expect(box?.y).toBeLessThan(844);
    await page.context().close();
  });

  it('never makes the page itself scroll sideways, with every fold open', async () => {
    const { page } = await open(view);
    const { wide, over } = await page.evaluate(() => {
      for (const fold of document.querySelectorAll('details')) fold.open = true;
      const own = (element: Element): boolean => element.closest('.scroll, .wide, pre') === null;
      const edge = document.documentElement.clientWidth;
      const out = [...document.querySelectorAll('body *')].filter(
        (element) =>
          own(element) && !element.matches('.skip, .unseen') && element.getBoundingClientRect().right > edge + 0.5,
      );
      return {
        wide: document.documentElement.scrollWidth - edge,
        over: out.map((element) => `${element.tagName} ${element.className} ${element.textContent?.slice(0, 40)}`),
      };
    });
    expect(over).toEqual([]);
    expect(wide).toBe(0);
    await page.context().close();
  });

  it('draws every figure, with text no smaller than nine pixels and no label outside its picture', async () => {
    const { page } = await open(view);
    const pictures = await page.evaluate(() =>
      [...document.querySelectorAll('figure svg')].map((svg) => {
        const box = svg.getBoundingClientRect();
        const texts = [...svg.querySelectorAll('text')].map((text) => text.getBoundingClientRect());
        return {
          width: box.width,
          height: box.height,
          smallest: Math.min(...texts.map((text) => text.height)),
          outside: texts.filter(
            (text) => text.right > box.right + 2 || text.left < box.left - 2 || text.bottom > box.bottom + 2,
          ).length,
        };
      }),
    );
    expect(pictures.length).toBeGreaterThan(20);
    for (const picture of pictures) {
      expect(picture.width).toBeGreaterThan(200);
      expect(picture.height).toBeGreaterThan(150);
      expect(picture.smallest).toBeGreaterThan(9);
      expect(picture.outside).toBe(0);
    }
    await page.context().close();
  });

  it('has a contrast of at least 4.5 for every piece of text', async () => {
    const { page } = await open(view);
    const faint = await page.evaluate(contrastsBelow, 4.5);
    expect(faint).toEqual([]);
    await page.context().close();
  });
});

/** Runs in the page: each text whose colour against the nearest opaque background falls below the ratio. */
function contrastsBelow(least: number): readonly string[] {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  if (!canvas) throw new Error('no canvas to read colours with');
  const rgba = (colour: string): readonly number[] => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour: readonly number[]): number => {
    const [r, g, b] = colour.slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
  };
  const background = (element: Element): readonly number[] => {
    for (let at: Element | null = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  for (const fold of document.querySelectorAll('details')) fold.open = true;
  const faint: string[] = [];
  let seen = 0;
  for (const element of document.querySelectorAll('body *')) {
    const words = [...element.childNodes].filter((node) => node.nodeType === 3 && node.textContent?.trim());
    if (words.length === 0 || element.tagName === 'title') continue;
    const style = getComputedStyle(element);
    const [a, b] = [
      luminance(rgba(element instanceof SVGElement ? style.fill : style.color)),
      luminance(background(element)),
    ].sort((x, y) => y - x);
    const ratio = ((a ?? 0) + 0.05) / ((b ?? 0) + 0.05);
    seen++;
    if (ratio < least)
      faint.push(`${element.tagName} "${words[0]?.textContent?.trim().slice(0, 30)}" ${ratio.toFixed(2)}`);
  }
  if (seen < 200) faint.push(`only ${seen} pieces of text were looked at`);
  return faint;
}
