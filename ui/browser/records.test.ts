// What was recorded and what is done by hand: reports and their files, the proof of the chain, a machine's past, and the first run
// from a search to an inventory.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { axeFindings, launch, layoutFaults, open, startDemo, visit, type Demo } from './harness';

let demo: Demo;
let browser: Browser;

beforeAll(async () => {
  [demo, browser] = await Promise.all([startDemo(['--machines', '300', '--speed', '60']), launch()]);
});
afterAll(async () => {
  await browser.close();
  await demo.stop();
});

async function downloaded(page: Page, click: () => Promise<void>): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]);
  const path = join(demo.folder, download.suggestedFilename());
  await download.saveAs(path);
  return readFileSync(path, 'utf8');
}

describe('a report', () => {
  it('is a chart, a table and a file that agree', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    await open(page, '/records');
    await expect.poll(() => page.locator('ol.bars li').count()).toBeGreaterThan(1);
    await page.getByLabel('From the day').fill('2022-10-03');
    // One day is no span: neither a table nor a file of what was chosen before.
    await expect.poll(() => page.getByText('Fill in both days').count()).toBe(1);
    expect(await page.locator('ol.bars').count()).toBe(0);
    expect(await page.getByRole('link', { name: 'All of it as CSV' }).count()).toBe(0);
    await page.getByLabel('Until before the day').fill('2022-10-04');
    await expect.poll(() => page.locator('ol.bars li').count()).toBeGreaterThan(1);
    await page.waitForURL(/from=2022-10-03&to=2022-10-04/);
    const halls = await page.locator('ol.bars li .label').allInnerTexts();
    const file = await downloaded(page, () => page.getByRole('link', { name: 'All of it as CSV' }).click());
    const [header, ...lines] = file.trim().split('\n');
    expect(header).toMatch(/^hall,energy_wh,metered_wh/);
    expect(lines.map((line) => line.split(',')[0])).toEqual(halls);
    const wh = Number(lines[0]?.split(',')[1]);
    expect(wh).toBeGreaterThan(0);
    const shown = await page.locator('ol.bars li .number').first().innerText();
    expect(Math.abs(Number.parseFloat(shown) * (shown.endsWith('MWh') ? 1e6 : 1e3) - wh)).toBeLessThan(wh / 100);
    await page.getByLabel('About').selectOption('availability');
    await expect.poll(() => page.locator('ul.legend li').allInnerTexts().then(String)).toMatch(/hashing.*outside hours/s);
    expect(await axeFindings(page)).toEqual([]);
    expect(troubles).toEqual([]);
    await context.close();
  });
});

describe('the records', () => {
  it('are proven and copied', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    await open(page, '/records');
    await page.getByRole('button', { name: 'Copy now' }).click();
    await expect.poll(() => page.getByText(/book-\d+T\d+Z\.sqlite/).count()).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Verify the whole chain' }).click();
    await expect.poll(() => page.getByText(/It holds: \d+ entries recomputed/).count()).toBe(1);
    expect(troubles).toEqual([]);
    // A proof that fails does not leave the one before it, nor is its failure left beside one that holds.
    const verification = '**/api/v1/audit/verification';
    await page.route(verification, (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"detail":"the book cannot be read"}' }));
    await page.getByRole('button', { name: 'Verify the whole chain' }).click();
    await expect.poll(() => page.getByRole('alert').allInnerTexts().then(String)).toContain('the book cannot be read');
    expect(await page.getByText('It holds:').count()).toBe(0);
    await page.unroute(verification);
    await page.getByRole('button', { name: 'Verify the whole chain' }).click();
    await expect.poll(() => page.getByText('It holds:').count()).toBe(1);
    expect(await page.getByRole('alert').count()).toBe(0);
    await context.close();
  });
});

describe('the audit chain', () => {
  it('is read back to its first entry, and goes on at its head', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    const me = (await (await page.request.get(`${demo.origin}/api/v1/me`)).json()) as { csrf: string };
    const change = async (reason: string): Promise<void> => {
      const response = await page.request.put(`${demo.origin}/api/v1/halls/hall-1/authority`, {
        headers: { 'x-csrf-token': me.csrf },
        data: { authority: 'control', reason },
      });
      expect(response.status()).toBe(200);
    };
    for (let n = 0; n < 120; n++) await change(`change ${n}`);
    await open(page, '/records');
    const numbers = page.getByRole('region', { name: 'Who changed what, and why' }).locator('tbody td:first-child');
    await expect.poll(() => numbers.count()).toBe(100);
    await page.getByRole('button', { name: 'Show more' }).click();
    await expect.poll(() => page.getByRole('button', { name: 'Show more' }).count()).toBe(0);
    await change('the last of all');
    await expect.poll(() => page.getByText('the last of all').count(), { timeout: 15_000 }).toBe(1);
    const shown = (await numbers.allInnerTexts()).map(Number);
    expect(shown).toEqual(Array.from({ length: shown.length }, (_, n) => shown.length - n));
    expect(shown.length).toBeGreaterThan(120);
    expect(troubles).toEqual([]);
    await context.close();
  });
});

describe('one machine', () => {
  it('has its past drawn, is looked at and blinks', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    await open(page, '/machines/hall-1/rack-1/pdu-1/1');
    await page.waitForSelector('.frame:not(.empty) canvas');
    // Its axis is scaled to what was recorded: a running machine draws kilowatts.
    await page.locator('.frame .u-over').hover();
    await expect.poll(() => page.locator('main').innerText()).toMatch(/Oct \d\d:\d\d: [\d.]+ k?W, [\d.]+ TH\/s/);
    await page.getByRole('button', { name: 'Look closely' }).click();
    await expect.poll(() => page.getByText('whatsminer-v2').count()).toBeGreaterThan(0);
    await expect.poll(() => page.getByRole('heading', { name: 'boards' }).count()).toBe(1);
    await page.getByRole('button', { name: 'Let it blink' }).click();
    await expect.poll(() => page.getByText('It blinks until you stop it.').count()).toBe(1);
    expect(await layoutFaults(page)).toEqual([]);
    expect(await axeFindings(page)).toEqual([]);
    // On its page as it is opened anew nothing is known of its light, and one that somebody else let blink is stopped at once.
    await page.reload();
    await page.getByRole('button', { name: 'Blink no more' }).click();
    await expect.poll(() => page.getByText('It blinks no more.').count()).toBe(1);
    expect(await page.getByText('It blinks until you stop it.').count()).toBe(0);
    expect(troubles).toEqual([]);
    await context.close();
  });
});

describe('a first run', () => {
  it('goes from a search over a list and a blinking machine to an inventory', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    await open(page, '/guide');
    await page.getByRole('link', { name: /Search networks/ }).click();
    await page.getByLabel('Networks, ranges or addresses').fill('127.16.0.0/24');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await expect.poll(() => page.getByText(/All 256 addresses .* asked/).count(), { timeout: 30_000 }).toBe(1);
    const rows = page.locator('tbody tr');
    expect(await rows.count()).toBeGreaterThan(200);
    await page.getByRole('button', { name: 'Blink 127.16.0.3:4028' }).click();
    const lit = rows.filter({ hasText: '127.16.0.3:4028' }).getByText('blinks', { exact: true });
    await expect.poll(() => lit.count()).toBe(1);
    await page.getByRole('button', { name: 'Light off at 127.16.0.3:4028' }).click();
    await expect.poll(() => lit.count()).toBe(0);
    // A list moves two machines; a place that is given twice is told and not written.
    const list = join(demo.folder, 'list.csv');
    writeFileSync(list, 'Address;Position\n127.16.0.1;hall-1/rack-1/pdu-1/2\n127.16.0.2;hall-1/rack-1/pdu-1/2\n');
    await page.getByLabel('Positions from a list').setInputFiles(list);
    await expect.poll(() => page.getByText('Given to more than one machine').count()).toBe(1);
    await page.getByLabel('Position of 127.16.0.2:4028').fill('hall-1/rack-1/pdu-1/1');
    await expect.poll(() => page.getByText('Given to more than one machine').count()).toBe(0);
    // What was typed is not lost unasked, nor by another search.
    let asked = 0;
    page.on('dialog', (of) => {
      asked++;
      void of.dismiss();
    });
    await page.getByRole('link', { name: 'Power' }).first().click();
    await expect.poll(() => asked).toBe(1);
    expect(new URL(page.url()).pathname).toBe('/scan');
    const typed = page.getByLabel('Position of 127.16.0.2:4028');
    await page.getByLabel('Networks, ranges or addresses').fill('127.16.0.2');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await expect.poll(() => rows.count(), { timeout: 30_000 }).toBe(1);
    expect(await typed.inputValue()).toBe('hall-1/rack-1/pdu-1/1');
    await expect.poll(() => page.getByText('1 position was typed for a machine that this search did not find').count()).toBe(1);
    await page.getByLabel('Networks, ranges or addresses').fill('127.16.0.0/24');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await expect.poll(() => page.getByText(/All 256 addresses .* asked/).count(), { timeout: 30_000 }).toBe(1);
    expect(await typed.inputValue()).toBe('hall-1/rack-1/pdu-1/1');
    // Where the site does not say whose a place is, no inventory is written that says nobody's.
    let files = 0;
    page.on('download', () => files++);
    await page.route('**/api/v1/floor', (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"detail":"the floor cannot be told"}' }));
    await page.getByRole('button', { name: /^Inventory of/ }).click();
    await expect.poll(() => page.getByRole('alert').allInnerTexts().then(String)).toContain('the floor cannot be told');
    expect(files).toBe(0);
    await page.unroute('**/api/v1/floor');
    expect(troubles.splice(0).filter((trouble) => !/status of 500/.test(trouble))).toEqual([]);
    const file = await downloaded(page, () => page.getByRole('button', { name: /^Inventory of/ }).click());
    expect(file).toMatch(/^position,model,owner,serial,mac,address,api_port\n/);
    expect(file).toMatch(/^hall-1\/rack-1\/pdu-1\/2,M30S,\w+,\w+,[0-9A-F:]{17},127\.16\.0\.1,4028$/m);
    expect(await layoutFaults(page)).toEqual([]);
    expect(await axeFindings(page)).toEqual([]);
    // What is saved can be left.
    await page.getByRole('link', { name: 'Power' }).first().click();
    await page.waitForURL(/\/power$/);
    expect(asked).toBe(1);
    expect(troubles).toEqual([]);
    await context.close();
  });
  it('tells what is wrong with a range and a list', async () => {
    const { page, context } = await visit(browser, demo);
    await open(page, '/scan');
    await page.getByLabel('Networks, ranges or addresses').fill('10.0.0.0/2');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await expect.poll(() => page.getByRole('alert').allInnerTexts().then(String)).toMatch(/at most|more than/);
    await context.close();
  });
});

describe('script in text fields', () => {
  it('stays text wherever it is shown again', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    const script = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
    const token = (await (await page.request.get(`${demo.origin}/api/v1/me`)).json()) as { csrf: string };
    const headers = { 'x-csrf-token': token.csrf };
    const post = async (path: string, data: Record<string, unknown>): Promise<number> => (await page.request.post(`${demo.origin}/api/v1${path}`, { data, headers })).status();
    expect(await post('/stops', { circuit: 'hall-2', reason: script })).toBe(200);
    expect(await post('/lockouts', { circuit: 'hall-3', by: script, reason: script })).toBe(200);
    expect(await post('/orders', { words: 'hall-2 to 10 kW', kind: 'wish', reason: script })).toBe(200);
    expect(await post('/scans', { ranges: [script] })).toBe(422);
    for (const path of ['/', '/power', '/records', '/alerts', `/machines?search=${encodeURIComponent(script)}`, '/machines/hall-2/rack-1/pdu-1/1', `/power?at=${encodeURIComponent(script)}`]) {
      await open(page, path);
      await page.waitForTimeout(700);
      expect(await page.title(), path).not.toContain('owned');
      expect(await page.locator('main img, main script').count(), path).toBe(0);
    }
    await open(page, '/power');
    await expect.poll(() => page.locator('main').innerText()).toContain('<img src=x');
    expect(troubles).toEqual([]);
    await context.close();
  });
});
