// Every page on every screen in both themes: it shows something, nothing overlaps, nothing leaves the site, and axe finds nothing.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { axeFindings, launch, layoutFaults, open, SCREENS, startDemo, visit, type Demo, type Screen } from './harness';

let demo: Demo;
let browser: Browser;

beforeAll(async () => {
  [demo, browser] = await Promise.all([startDemo(['--machines', '300', '--speed', '60']), launch()]);
});
afterAll(async () => {
  await browser.close();
  await demo.stop();
});

/** Each page, and what must be on it. */
const PAGES: readonly (readonly [string, RegExp])[] = [
  ['/', /(Inside its power|At its limit|On its way down|Resting outside its hours).* of .*W/],
  ['/floor', /running/],
  ['/floor?by=temperature&at=hall-1', /°C/],
  ['/machines', /300 machines/],
  ['/machines/hall-1/rack-1/pdu-1/1', /M30S/],
  ['/power', /In force and announced/],
  ['/alerts', /What needs attention[\s\S]*What is over/],
  ['/records', /Reports[\s\S]*The revenue meter counted .*Wh[\s\S]*Who changed what[\s\S]*Copies of the book/],
  ['/people', /People/],
  ['/guide', /Machines are heard/],
  ['/scan', /Search networks/],
  ['/settings', /Asia\/Almaty/],
];

describe.each(Object.keys(SCREENS) as Screen[])('%s', (screen) => {
  it.each(['light', 'dark'] as const)('in %s', async (theme) => {
    const { page, context, troubles } = await visit(browser, demo, screen, theme);
    for (const [path, text] of PAGES) {
      await open(page, path);
      await page.waitForFunction((source) => new RegExp(source).test(document.querySelector('main')?.innerText ?? ''), text.source);
      expect(await layoutFaults(page), `${path} on a ${screen}`).toEqual([]);
      if (screen !== 'wall') expect(await axeFindings(page), `${path} in ${theme}`).toEqual([]);
      const words = await page.locator('main').innerText();
      expect(words, path).not.toMatch(/undefined|NaN|\[object|null\b|\{\w+\}/);
    }
    expect(troubles).toEqual([]);
    await context.close();
  });
});

describe('the first view', () => {
  it('fits into 400 kB as they are sent', async () => {
    const { page, context } = await visit(browser, demo);
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.setCacheDisabled', { cacheDisabled: true });
    let bytes = 0;
    session.on('Network.dataReceived', (event) => (bytes += event.encodedDataLength));
    await open(page, '/');
    await page.waitForSelector('.u-wrap canvas');
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(400_000);
    await context.close();
  });
});

describe('who is not signed in', () => {
  it('sees nothing of the site', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${demo.origin}/machines`);
    await page.waitForSelector('main');
    expect(await page.locator('body').innerText()).not.toContain('hall-1');
    for (const path of ['site', 'machines', 'reports/energy', 'scans', 'backups', 'floor', 'circuits', 'directives', 'me', 'stream']) {
      expect((await page.request.get(`${demo.origin}/api/v1/${path}`)).status(), path).toBe(401);
    }
    await context.close();
  });
});
