// A site of one's own from its first start: the first person, machines held off, and the site file, which takes a new start.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { axeFindings, holdBack, launch, layoutFaults, open, startMine, visit, type Mine, type Visit } from './harness';

const PASSWORD = 'a long enough password 2';
let mine: Mine;
let browser: Browser;
let origin: string;
let owner: Visit;

beforeAll(async () => {
  [mine, browser] = await Promise.all([startMine(join(import.meta.dirname, '../../sites/small.toml'), '2022-10-01T02:00'), launch()]);
});
afterAll(async () => {
  await browser.close();
  await mine.stop();
});

async function machine(page: Page, id: string): Promise<{ state: string; reason: string; held: unknown }> {
  return (await (await page.request.get(`${origin}/api/v1/machines/${encodeURIComponent(id)}`)).json()) as { state: string; reason: string; held: unknown };
}

describe('the first person of a site', () => {
  it('sets a password by the link that the first start prints, once', async () => {
    const link = await mine.start(/http:\/\/\S+\/setup#key=\S+/);
    origin = new URL(link).origin;
    const context = await browser.newContext({ locale: 'en-GB' });
    const page = await context.newPage();
    for (const again of [false, true]) {
      await page.goto('about:blank');
      await page.goto(link);
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
      await page.getByLabel('The same again').fill(PASSWORD);
      await page.getByRole('button', { name: 'Set it and sign in' }).click();
      if (again) await expect.poll(() => page.getByRole('alert').allInnerTexts().then(String)).toMatch(/link/);
      else {
        await page.waitForSelector('nav');
        await expect.poll(() => page.getByText('Your name here is owner').count()).toBe(1);
      }
      await context.clearCookies();
    }
    await context.close();
  });
});

describe('machines', () => {
  it('are held off with a reason, say so, and are released', async () => {
    owner = await signedIn();
    const { page } = owner;
    await open(page, '/machines?state=running');
    await page.waitForSelector('.body .id a', { timeout: 90_000 });
    const ids = (await page.locator('.body .id a').allInnerTexts()).slice(0, 2);
    for (const place of [0, 1]) await page.locator('.body input[type=checkbox]').nth(place).check();
    await page.getByRole('button', { name: 'Hold off…' }).click();
    const dialog = page.locator('dialog[open]');
    await expect.poll(() => dialog.innerText()).toMatch(/2 machines go to sleep, each for itself[\s\S]*2 of them go to sleep within .* and the load falls by [\d.]+ kW/);
    expect(await dialog.getByRole('button', { name: 'Hold 2 off' }).isDisabled()).toBe(true);
    await dialog.getByRole('button', { name: '4 h', exact: true }).click();
    expect(await dialog.getByLabel(/^Until/).inputValue()).toMatch(/^2022-10-\d\dT\d\d:\d\d$/);
    await dialog.getByRole('button', { name: 'until it is lifted' }).click();
    expect(await dialog.getByLabel(/^Until/).inputValue()).toBe('');
    await dialog.getByLabel('Why, for those').fill('boards are swapped');
    expect(await axeFindings(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Hold 2 off' }).click();
    await expect.poll(() => dialog.innerText()).toContain('2 machines are held off.');
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    for (const id of ids) await expect.poll(() => machine(page, id).then((of) => of.state), { timeout: 60_000 }).toBe('asleep');
    await open(page, `/machines/${ids[0] ?? ''}`);
    await expect.poll(() => page.locator('.why').innerText()).toMatch(/anybody|first|owner|held off/);
    await expect.poll(() => page.locator('.why').innerText()).toContain('boards are swapped');
    await open(page, '/');
    await expect.poll(() => page.locator('.verdict').innerText()).toContain('2 machines are held off');
    await open(page, '/power');
    const line = page.locator('main li', { hasText: 'boards are swapped' }).filter({ hasText: 'held off' });
    await line.getByRole('button', { name: 'Lift' }).click();
    await dialog.getByLabel('Why, for those').fill('boards are new');
    await dialog.getByLabel('Why, for those').press('Enter');
    for (const id of ids) await expect.poll(() => machine(page, id).then((of) => of.held), { timeout: 60_000 }).toBeNull();
    expect(owner.troubles).toEqual([]);
  });
});

describe('the site file', () => {
  it('is checked before it is written, and a mistake is told with its line', async () => {
    const { page } = owner;
    await open(page, '/settings');
    await page.getByRole('button', { name: 'Open it' }).click();
    const text = page.getByLabel('Text', { exact: true });
    const before = await text.inputValue();
    expect(before).toBe(readFileSync(join(mine.folder, 'site.toml'), 'utf8'));
    const at = before.split('\n').findIndex((line) => line.startsWith('rating_kw = 250')) + 1;
    await text.fill(before.replace('rating_kw = 250', 'rating_kw = "much"'));
    expect(await page.getByRole('button', { name: 'Write it…' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Check' }).click();
    await expect.poll(() => page.locator('main [role=status] li').allInnerTexts().then(String)).toMatch(new RegExp(`error[\\s\\S]*line ${at}`));
    await page.getByRole('button', { name: `line ${at}` }).click();
    expect(await text.evaluate((field: HTMLTextAreaElement) => field.value.slice(field.selectionStart, field.selectionEnd))).toMatch(/much/);
    // What is typed is not lost unasked.
    let asked = 0;
    page.on('dialog', (of) => {
      asked++;
      void of.dismiss();
    });
    await page.getByRole('link', { name: 'Power' }).first().click();
    await expect.poll(() => asked).toBe(1);
    expect(new URL(page.url()).pathname).toBe('/settings');
    expect(await text.inputValue()).toContain('"much"');
    expect(await page.getByRole('button', { name: 'Write it…' }).isDisabled()).toBe(true);
    expect(readFileSync(join(mine.folder, 'site.toml'), 'utf8')).toBe(before);

    // What is typed while a check runs was not checked by it.
    const checks = await holdBack(page, '/site/check', 'POST');
    await text.fill(before.replace('rating_kw = 250', 'rating_kw = 150'));
    await page.getByRole('button', { name: 'Check' }).click();
    await text.fill(before.replace('rating_kw = 250', 'rating_kw = 1500'));
    await checks.next();
    await expect.poll(() => page.getByRole('button', { name: 'Check' }).isEnabled()).toBe(true);
    expect(await page.locator('main [role=status] table').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Write it…' }).isDisabled()).toBe(true);
    await text.fill(before.replace('rating_kw = 250', 'rating_kw = 150'));
    await page.getByRole('button', { name: 'Check' }).click();
    await checks.next();
    await expect.poll(() => page.locator('main table').first().innerText()).toMatch(/grid\s.*250\.?0? kW.*150\.?0? kW/s);
    // The frame's upper edge stays in sight over what is scrolled.
    await page.evaluate(() => scrollTo(0, 0));
    expect(await layoutFaults(page)).toEqual([]);
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Write it…' }).click();
    const dialog = page.locator('dialog[open]');
    await dialog.getByLabel('Why, for those').fill('the grid has taken some back');
    await dialog.getByRole('button', { name: 'Write it…' }).click();
    await expect.poll(() => page.locator('main').innerText()).toMatch(/Written\. The text before is site\.toml\.1\. Start the site again/);
    expect(readFileSync(join(mine.folder, 'site.toml'), 'utf8')).toContain('rating_kw = 150');
    expect(existsSync(join(mine.folder, 'site.toml.1'))).toBe(true);
    expect(owner.troubles).toEqual([]);
    await open(page, '/records');
    await expect.poll(() => page.locator('main').innerText()).toContain('the grid has taken some back');
    // It has just begun: there is nothing to report on yet, which is no fault.
    await expect.poll(() => page.locator('main').innerText()).toContain('rows come to the tables every five minutes');
    expect(await page.getByRole('alert').count()).toBe(0);
    await owner.context.close();
  });

  it('takes effect when the site is started again', async () => {
    await mine.end();
    origin = (await mine.start(/serving http:\/\/\S+/)).replace('serving ', '');
    const { page, context, troubles } = await signedIn();
    const circuit = async (): Promise<number | null> => {
      const circuits = (await (await page.request.get(`${origin}/api/v1/circuits`)).json()) as { id: string; rating_kw: number | null }[];
      return circuits.find(({ id }) => id === 'grid')?.rating_kw ?? null;
    };
    await expect.poll(circuit, { timeout: 60_000 }).toBe(150);
    await open(page, '/settings');
    expect(await page.locator('main').innerText()).not.toMatch(/Start the site again/);
    expect(troubles).toEqual([]);
    await context.close();
  });
});

/** As the site's owner. That nobody is signed in yet is told by a refusal, which the console shows. */
async function signedIn(): Promise<Visit> {
  const seen = await visit(browser, { origin, link: `${origin}/login` }, 'laptop', 'light', async (page) => {
    await page.getByLabel('Name').fill('owner');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
  });
  expect(seen.troubles.splice(0).filter((trouble) => !/status of 401/.test(trouble))).toEqual([]);
  return seen;
}
