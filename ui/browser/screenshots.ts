// Pictures of the README, of a demo in the middle of its night.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, it } from 'vitest';

import { launch, open, startDemo, visit, type Demo, type Screen } from './harness';

const FOLDER = join(import.meta.dirname, '../../docs/pictures');
/** So many seconds a picture waits for its first values and charts. */
const SETTLE_MS = 2_500;

let demo: Demo;
let browser: Browser;

beforeAll(async () => {
  mkdirSync(FOLDER, { recursive: true });
  [demo, browser] = await Promise.all([startDemo(['--machines', '1000', '--speed', '60']), launch()]);
  const { page, context } = await visit(browser, demo);
  await open(page, '/');
  // The demo opens before midnight, tries a stop, and is full some minutes later.
  let running = 0;
  while (running <= 880) {
    await page.waitForTimeout(500);
    const site = (await (await page.request.get(`${demo.origin}/api/v1/site?trace=0`)).json()) as { counts: { running: number } };
    running = site.counts.running;
  }
  await context.close();
});
afterAll(async () => {
  await browser.close();
  await demo.stop();
});

const PICTURES: readonly (readonly [string, string, Screen, 'light' | 'dark'])[] = [
  ['machines', '/machines?state=asleep', 'laptop', 'light'],
  ['machine', '/machines/hall-1/rack-1/pdu-1/1', 'laptop', 'light'],
  ['power', '/power', 'laptop', 'dark'],
  ['records', '/records', 'laptop', 'light'],
  ['observatory', '/observatory', 'laptop', 'light'],
  ['world', '/observatory/world', 'laptop', 'dark'],
  ['phone', '/', 'phone', 'dark'],
  ['floor', '/floor', 'laptop', 'dark'],
  ['now', '/', 'laptop', 'light'],
  ['wall', '/', 'wall', 'dark'],
];

it.each(PICTURES)('%s', async (name, path, screen, theme) => {
  const { page, context } = await visit(browser, demo, screen, theme);
  await open(page, path);
  await page.waitForTimeout(SETTLE_MS);
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  await context.close();
});
