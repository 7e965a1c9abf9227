// A customer sees their own machines and nothing else, by whatever route they try: the pages, the addresses, the API.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { axeFindings, launch, open, startDemo, visit, type Demo } from './harness';

let demo: Demo;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** In the demo's site `hall-4` is the customer's; all other halls are the house's. */
const OWN = 'hall-4/rack-1/pdu-1/1';
const OTHER = 'hall-1/rack-1/pdu-1/1';
const PASSWORD = 'a long enough password 1';

beforeAll(async () => {
  [demo, browser] = await Promise.all([startDemo(['--machines', '300', '--speed', '60']), launch()]);
});
afterAll(async () => {
  await browser.close();
  await demo.stop();
});

describe('a customer', () => {
  it('is added by the owner, and sets a password by a link', async () => {
    const owner = await visit(browser, demo);
    await open(owner.page, '/people');
    await owner.page.getByLabel('Name').fill('boris');
    await owner.page.getByRole('combobox', { name: 'Role', exact: true }).selectOption('customer');
    await owner.page.getByRole('combobox', { name: 'Owner', exact: true }).selectOption('customer-a');
    await owner.page.getByLabel('Why, for those').first().fill('his machines stand here');
    await owner.page.getByRole('button', { name: 'Add' }).click();
    await owner.page.waitForSelector('.link code');
    expect(await axeFindings(owner.page)).toEqual([]);
    const link = await owner.page.locator('.link code').innerText();
    await open(owner.page, '/records');
    await expect.poll(() => owner.page.locator('main').innerText()).toContain('boris');
    expect(await owner.page.locator('body').innerText()).not.toContain(link.split('key=')[1]);
    expect(owner.troubles).toEqual([]);
    await owner.context.close();

    context = await browser.newContext({ locale: 'en-GB' });
    page = await context.newPage();
    await page.goto(link);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByLabel('The same again').fill('something else');
    expect(await page.getByRole('button', { name: 'Set it and sign in' }).isDisabled()).toBe(true);
    await page.getByLabel('The same again').fill(PASSWORD);
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Set it and sign in' }).click();
    await page.waitForSelector('nav');
  });

  it('begins with their machines, and is offered nothing else', async () => {
    await expect.poll(() => page.locator('.head').innerText()).toMatch(/\d+ machines/);
    const total = Number(/(\d+) machines/.exec(await page.locator('.head').innerText())?.[1]);
    expect(total).toBeGreaterThan(0);
    expect(total).toBeLessThan(300);
    await page.waitForSelector('.body a');
    expect(new Set(await page.locator('.body .id a').allInnerTexts().then((ids) => ids.map((id) => id.split('/')[0])))).toEqual(new Set(['hall-4']));
    // They may do nothing to a selection, and are offered none.
    expect(await page.locator('.body input[type=checkbox]').count()).toBe(0);
    expect((await page.locator('nav a').allInnerTexts()).join()).not.toMatch(/Now|Floor|Power|People|Alerts/);
    expect(await page.getByRole('button', { name: 'Stop' }).count()).toBe(0);
    await page.locator('.body a').first().click();
    await expect.poll(() => page.locator('.why').innerText()).toMatch(/Why it is so/);
    // What was recorded of it is of the plant's days, which are not this computer's.
    await page.waitForSelector('.uplot canvas');
    expect(await page.locator('main').innerText()).not.toContain('Nothing was recorded of it');
    // What is public knowledge is theirs to read, too.
    await page.getByRole('link', { name: 'Observatory' }).first().click();
    await expect.poll(() => page.locator('main').innerText(), { timeout: 30_000 }).toMatch(/TWh a year on/);
  });

  it("does not reach another's machine by its address", async () => {
    await page.goto(`${demo.origin}/machines/${OTHER}`);
    await expect.poll(() => page.getByRole('alert').allInnerTexts().then(String)).toContain('there is no machine');
    for (const search of [`search=${encodeURIComponent(OTHER)}`, 'owner=house', 'hall=hall-1', 'circuit=hall-1']) {
      await page.goto(`${demo.origin}/machines?${search}`);
      await page.waitForSelector('main h1');
      await page.waitForLoadState('networkidle');
      expect(await page.locator('.body .id a').count(), search).toBe(0);
    }
    for (const path of ['/', '/floor', '/power', '/people', '/records', '/guide']) {
      await page.goto(demo.origin + path);
      await page.waitForSelector('main');
      await page.waitForLoadState('networkidle');
      expect(await page.locator('main').innerText(), path).not.toMatch(/hall-[123]/);
    }
  });

  it('reads what was recorded of their machines, and of no other', async () => {
    await page.goto(`${demo.origin}/records`);
    await expect.poll(() => page.locator('ol.bars').innerText()).toMatch(/hall-4/);
    expect(await page.locator('main').innerText()).not.toMatch(/hall-[123]|revenue meter|Copies|Who changed/);
    expect(await axeFindings(page)).toEqual([]);
  });

  it("does not reach it by any route of the API's own document", async () => {
    const document = (await (await page.request.get(`${demo.origin}/api/v1/openapi.json`)).json()) as { paths: Record<string, Record<string, unknown>> };
    const me = (await (await page.request.get(`${demo.origin}/api/v1/me`)).json()) as { csrf: string };
    expect(Object.keys(document.paths).length).toBeGreaterThan(15);
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const method of Object.keys(methods).filter((name) => ['get', 'post', 'put', 'patch', 'delete'].includes(name))) {
        if (path.endsWith('/session') || path.endsWith('/stream')) continue;
        const url = demo.origin + path.replace('{machine}', encodeURIComponent(OTHER)).replace('{circuit}', 'hall-1').replace('{hall}', 'hall-1').replace('{about}', 'energy').replace(/\{\w+\}/g, '1');
        const body = method === 'get' ? {} : { data: { circuit: 'hall-1', reason: 'mine', limit_kw: 0, authority: 'observe' } };
        const response = await page.request.fetch(url, { method, headers: { 'x-csrf-token': me.csrf }, ...body });
        const text = await response.text();
        if (!path.endsWith('openapi.json')) expect(text.includes(OTHER) && response.ok(), `${method} ${path}`).toBe(false);
        if (method !== 'get') expect(response.status(), `${method} ${path}`).toBeGreaterThanOrEqual(400);
      }
    }
    expect((await page.request.get(`${demo.origin}/api/v1/machines/${encodeURIComponent(OWN)}`)).status()).toBe(200);
    const stream = await page.request.get(`${demo.origin}/api/v1/stream`);
    expect(stream.status()).toBe(403);
  });

  it('signs out, and is let in again by their password only', async () => {
    await page.goto(`${demo.origin}/settings`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Name').fill('boris');
    await page.getByLabel('Password').fill('a wrong password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect.poll(() => page.getByRole('alert').count()).toBe(1);
    expect(await axeFindings(page)).toEqual([]);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForSelector('nav');
    await context.close();
  });
});
