// Figures of the pages on this machine, added to target/bench.json.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { launch, open, SCREENS, startDemo, visit, type Demo } from './harness';

const OUT = process.env['OFFPEAK_BENCH'] ?? join(import.meta.dirname, '../../target/bench.json');
const SITE = join(import.meta.dirname, '../../sites/ekibastuz.toml');
/** Frames measured. */
const FRAMES = 60;

let demo: Demo;
let browser: Browser;
const figures: Record<string, number> = {};

beforeAll(async () => {
  [demo, browser] = await Promise.all([startDemo([SITE, '--speed', '60']), launch()]);
});
afterAll(async () => {
  await browser.close();
  await demo.stop();
  const before = existsSync(OUT) ? (JSON.parse(readFileSync(OUT, 'utf8')) as Record<string, unknown>) : {};
  writeFileSync(OUT, `${JSON.stringify({ ...before, ...figures }, null, 2)}\n`);
  console.log(JSON.stringify(figures));
});

/** The median time of a frame while somebody zooms in and out over the whole site. */
async function frame(page: Page): Promise<number> {
  await open(page, '/floor');
  await page.waitForSelector('canvas');
  await page.waitForTimeout(1_000);
  await page.evaluate(() => performance.clearMeasures('floor-frame'));
  const { width, height } = page.viewportSize() ?? SCREENS.laptop;
  await page.mouse.move(width / 3, height / 2);
  for (let n = 0; n < FRAMES; n++) {
    await page.mouse.wheel(0, n % 2 === 0 ? -60 : 60);
    await page.waitForTimeout(30);
  }
  const times = await page.evaluate(() => performance.getEntriesByName('floor-frame').map((entry) => entry.duration));
  expect(times.length).toBeGreaterThan(FRAMES / 2);
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
}

it('draws 55,040 cells', async () => {
  const laptop = await visit(browser, demo);
  figures['floor_frame_ms'] = await frame(laptop.page);
  await laptop.context.close();
  const wall = await visit(browser, demo, 'wall');
  figures['floor_frame_wall_ms'] = await frame(wall.page);
  await wall.context.close();
});

it('opens', async () => {
  const { page, context } = await visit(browser, demo);
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  let bytes = 0;
  session.on('Network.dataReceived', (event) => (bytes += event.encodedDataLength));
  const began = performance.now();
  await open(page, '/');
  await page.waitForSelector('.u-wrap canvas');
  figures['ui_first_view_ms'] = performance.now() - began;
  figures['ui_first_view_kb'] = bytes / 1_000;
  await context.close();
});

it('shows a change of the plant', async () => {
  const { page, context } = await visit(browser, demo);
  await open(page, '/');
  await page.waitForSelector('.verdict');
  const { csrf } = (await (await page.request.get(`${demo.origin}/api/v1/me`)).json()) as { csrf: string };
  const began = performance.now();
  await page.request.post(`${demo.origin}/api/v1/stops`, { data: { reason: 'bench' }, headers: { 'x-csrf-token': csrf } });
  await page.waitForFunction(() => /Stopped|Above its power/.test(document.querySelector('.verdict')?.textContent ?? ''));
  figures['ui_change_ms'] = performance.now() - began;
  await context.close();
});
