// The observatory: every part on every screen in both themes, the slider while it moves, and a file that is computed
// again from nothing but what stands in it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { axeFindings, launch, layoutFaults, open, SCREENS, startDemo, visit, type Demo, type Screen } from './harness';

let demo: Demo;
let browser: Browser;

beforeAll(async () => {
  [demo, browser] = await Promise.all([startDemo(['--machines', '60', '--speed', '60']), launch()]);
});
afterAll(async () => {
  await browser.close();
  await demo.stop();
});

/** Each part, and what must be on it. */
const PARTS: readonly (readonly [string, RegExp])[] = [
  ['/observatory', /At 0\.050 USD\/kWh Cambridge's method gives [\d.]+ TWh[\s\S]*Mean best guess by year[\s\S]*2021/],
  ['/observatory/world', /Kazakhstan[\s\S]*18\.1[\s\S]*Assumptions and sources/],
  ['/observatory/flows', /China[\s\S]*−?-46/],
  ['/observatory/nation', /declared by fee[\s\S]*0\.30[\s\S]*0\.92[\s\S]*1\.51[\s\S]*Least reserve, MW/],
  ['/observatory/worth', /machines of up to [\d.]+ J\/TH pay[\s\S]*Antminer[\s\S]*Prices from 2010-07-19/],
];

async function shows(page: Page, text: RegExp): Promise<void> {
  await page.waitForFunction((source) => new RegExp(source).test(document.querySelector('main')?.innerText ?? ''), text.source, { timeout: 60_000 });
  await page.waitForLoadState('networkidle').catch(() => undefined);
}

describe.each(Object.keys(SCREENS) as Screen[])('%s', (screen) => {
  it.each(['light', 'dark'] as const)('in %s', async (theme) => {
    const { page, context, troubles } = await visit(browser, demo, screen, theme);
    for (const [path, text] of PARTS) {
      await open(page, path);
      await shows(page, text);
      expect(await layoutFaults(page), `${path} on a ${screen}`).toEqual([]);
      if (screen !== 'wall') expect(await axeFindings(page), `${path} in ${theme}`).toEqual([]);
      const words = await page.locator('main').innerText();
      expect(words, path).not.toMatch(/undefined|NaN|Infinity|\[object|null\b|\{\w+\}/);
      const shots = process.env['OFFPEAK_PICTURES'];
      if (shots !== undefined) await page.screenshot({ path: join(shots, `${path.replaceAll('/', '_')}-${screen}-${theme}.png`), fullPage: true });
    }
    expect(troubles).toEqual([]);
    await context.close();
  });
});

describe('the slider', () => {
  it('answers while it moves, one request at a time, and ends where it stands', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    // Counted in the page itself, from when it asks to when the answer comes; answers are held while `held` says so.
    await page.addInitScript(() => {
      const counts = { asked: 0, inFlight: 0, most: 0, held: Promise.resolve() };
      Object.assign(window, { counts });
      const real = window.fetch.bind(window);
      window.fetch = async (...given) => {
        if (!(given[0] as string).includes('/observatory/slider')) return real(...given);
        const { held } = counts;
        counts.asked++;
        counts.most = Math.max(counts.most, ++counts.inFlight);
        try {
          const answer = await real(...given);
          await held;
          return answer;
        } finally {
          counts.inFlight--;
        }
      };
    });
    const counts = (): Promise<{ asked: number; most: number }> => page.evaluate(() => (window as unknown as { counts: { asked: number; most: number } }).counts);
    await open(page, '/observatory');
    await shows(page, /At 0\.050 USD\/kWh/);
    const slider = page.getByRole('slider', { name: 'Price of power' });
    const told = page.locator('[data-price]');
    const before = await told.innerText();
    const askedBefore = (await counts()).asked;
    // A hand moves it through ninety places. However fast the site is, an answer comes at the thirtieth and after the
    // last: so it asks at the first, at the thirtieth and at the last.
    await slider.evaluate(async (element) => {
      const { counts } = window as unknown as { counts: { asked: number; held: Promise<void> } };
      const input = element as HTMLInputElement;
      const start = counts.asked;
      let letGo = (): void => undefined;
      const hold = (): void => void (counts.held = new Promise<void>((resolve) => (letGo = resolve)));
      hold();
      for (let n = 0; n < 90; n++) {
        input.value = String(0.05 + n / 1000);
        input.dispatchEvent(new Event('input', { bubbles: true }));
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (n !== 30) continue;
        const first = letGo;
        hold();
        first();
        while (counts.asked < start + 2) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      letGo();
    });
    await expect.poll(() => told.getAttribute('data-price')).toBe('0.139');
    const { asked, most } = await counts();
    expect(asked - askedBefore).toBe(3);
    expect(most, 'Cambridge 1.4 is the one that is shown and moved').toBe(1);
    expect(await told.innerText()).not.toBe(before);
    // At rest the table says the same as the sentence above it.
    const sentence = /gives ([\d.]+) TWh/.exec(await told.innerText())?.[1];
    await expect.poll(() => page.getByRole('row', { name: /^Cambridge 1\.4/ }).first().innerText()).toContain(sentence);
    // By keyboard, too.
    await slider.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => told.getAttribute('data-price')).toBe('0.14');
    expect(troubles).toEqual([]);
    await context.close();
  });

  it('of a what-if moves the year', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    await open(page, '/observatory/nation');
    await shows(page, /Least reserve, MW/);
    const told = page.locator('[data-mw]');
    expect(await told.innerText()).toContain('-500 MW in 168');
    await page.getByRole('slider', { name: 'More or less mining' }).fill('300');
    await page.getByRole('button', { name: '00-08, weekend' }).click();
    await expect.poll(() => told.innerText()).toContain('+300 MW in 88');
    await page.getByLabel(/^When, in hours/).fill('noon');
    await expect.poll(() => page.getByRole('alert').allInnerTexts().then(String)).toContain('noon');
    expect(troubles.filter((trouble) => !trouble.includes('422'))).toEqual([]);
    await context.close();
  });
});

/** The file behind a link of the page. */
async function saved(page: Page, link: string): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: link, exact: true }).first().click()]);
  return readFileSync(await download.path(), 'utf8');
}
const header = (text: string): Map<string, string> =>
  new Map(text.split('\n').flatMap((line) => { const found = /^# assume (\S+) = (.*?) ; /.exec(line); return found?.[1] !== undefined && found[2] !== undefined ? [[found[1], found[2]] as const] : []; }));

describe('a saved file', () => {
  it('is computed again by the command line from its own header, with what was changed on the page', async () => {
    const { page, context } = await visit(browser, demo);
    await open(page, '/observatory');
    await shows(page, /Mean best guess by year[\s\S]*2021/);
    await page.getByLabel('pue_guess, 1').fill('1.25');
    await page.getByLabel('pue_guess, 1').press('Tab');
    await page.getByLabel('USD/kWh').fill('0.07');
    await expect.poll(() => page.locator('[data-price]').getAttribute('data-price')).toBe('0.07');
    const text = await saved(page, 'CSV Cambridge 1.4');
    expect(header(text).get('pue_guess')).toBe('1.25');
    expect(header(text).get('price_usd_per_kwh')).toBe('0.07');
    const folder = mkdtempSync(join(tmpdir(), 'offpeak-file-'));
    const path = join(folder, 'saved.csv');
    writeFileSync(path, text);
    const again = JSON.parse(execFileSync(process.env['OFFPEAK'] ?? '', ['index', '--recompute', path, '--json'], { encoding: 'utf8' })) as { agrees: boolean; days: number };
    expect(again.agrees).toBe(true);
    expect(again.days).toBeGreaterThan(5_000);
    rmSync(folder, { recursive: true });
    await context.close();
  });

  it('of the world multiplies out of what it lists', async () => {
    const { page, context } = await visit(browser, demo);
    await open(page, '/observatory/world');
    await shows(page, /Kazakhstan/);
    const text = await saved(page, 'CSV offpeak-world-2021-08');
    const listed = header(text);
    const [columns = [], ...rows] = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(','));
    expect(rows.length).toBeGreaterThan(3);
    for (const row of rows) {
      const cell = (name: string): string => row[columns.indexOf(name)] ?? '';
      const gw = (Number(listed.get('network_gw_guess')) * Number(listed.get(`share_${cell('place')}`))) / 100;
      expect(Number(cell('gw_guess'))).toBeCloseTo(gw, 6);
    }
    await context.close();
  });
});

describe('a residual value', () => {
  it('falls with the growth of difficulty, and is refused where it makes no sense', async () => {
    const { page, context } = await visit(browser, demo);
    await open(page, '/observatory/worth');
    const told = page.locator('[data-residual]');
    await told.waitFor();
    const value = async (): Promise<number> => Number(await told.getAttribute('data-residual'));
    const before = await value();
    await page.getByLabel('Difficulty grows, % a year').fill('80');
    await expect.poll(value).toBeLessThan(before);
    await page.getByLabel('Money costs, % a year').fill('101');
    await expect.poll(() => page.getByRole('alert').allInnerTexts().then(String)).toContain('discount');
    await context.close();
  });
});

describe('sources and units', () => {
  it('compete, and the migration is told in each unit', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    await open(page, '/observatory/world');
    await shows(page, /Kazakhstan/);
    await page.getByRole('button', { name: 'Luxor hash-rate map' }).click();
    await expect.poll(() => page.locator('main').innerText()).toContain('36.0');
    expect(await page.locator('main').innerText()).toContain('How much of the network it sees is not published');
    await page.getByRole('link', { name: 'Migration' }).click();
    await shows(page, /China/);
    await page.getByRole('button', { name: 'GW', exact: true }).click();
    await expect.poll(() => page.locator('main').innerText()).toMatch(/Change, GW/);
    expect(await page.locator('svg path title').first().textContent()).toMatch(/China to .*: [\d.]+ GW/);
    expect(troubles).toEqual([]);
    await context.close();
  });
});
