// A customer sees their own machines and nothing else, by whatever route they try: the pages, the addresses, the API. A grid operator
// is told of the site as a whole what is so, and led nowhere where they are refused.
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

describe('a grid operator', () => {
  it('is told what they may not see, and led nowhere where they are refused', async () => {
    const owner = await visit(browser, demo);
    const me = (await (await owner.page.request.get(`${demo.origin}/api/v1/me`)).json()) as { csrf: string };
    const post = async (path: string, data: Record<string, unknown>): Promise<unknown> => {
      const response = await owner.page.request.post(`${demo.origin}/api/v1${path}`, { data, headers: { 'x-csrf-token': me.csrf, 'idempotency-key': path } });
      expect(response.status(), path).toBe(200);
      return response.json();
    };
    await post('/holds', { machines: [OTHER], reason: 'its fans are out', until: null });
    const { link } = (await post('/people', { name: 'greta', role: 'grid-operator', owner: null, reason: 'she dispatches' })) as { link: string };
    await owner.context.close();

    const visited = await visit(browser, { origin: demo.origin, link: new URL(link, demo.origin).href }, 'laptop', 'light', async (seen) => {
      await seen.getByLabel('Password', { exact: true }).fill(PASSWORD);
      await seen.getByLabel('The same again').fill(PASSWORD);
      await seen.getByRole('button', { name: 'Set it and sign in' }).click();
    });
    const { page: grid, troubles } = visited;
    // That nobody is signed in yet is told by a refusal, which the console shows.
    expect(troubles.splice(0).filter((trouble) => !/status of 401/.test(trouble))).toEqual([]);

    const main = grid.locator('main');
    await open(grid, '/');
    await expect.poll(() => grid.locator('.verdict').innerText(), { timeout: 60_000 }).toContain('1 machine is held off');
    expect(await main.innerText()).toContain('whether one holds is not known here');
    expect(await main.innerText()).not.toContain('Nothing needs attention');
    const astray = main.locator('a:is([href^="/machines"], [href^="/floor"], [href^="/alerts"], [href^="/people"])');
    expect(await astray.count()).toBe(0);
    await open(grid, '/power');
    await expect.poll(() => main.innerText()).toMatch(/held off\s*1 machine\s*Which ones and why is not shown to you/);
    expect(await main.innerText()).not.toMatch(/No stop, lockout, order or machine held off|its fans are out/);
    await grid.locator('td.machines').first().waitFor();
    expect(await astray.count()).toBe(0);
    await open(grid, '/guide');
    await grid.locator('ol h2').first().waitFor();
    expect(await astray.count()).toBe(0);
    await open(grid, '/records?by=owner');
    const by = grid.getByRole('combobox', { name: 'By', exact: true });
    expect(await by.locator('option').evaluateAll((all) => all.map((option) => (option as HTMLOptionElement).value))).toEqual(['', 'day', 'hour', 'hall', 'circuit']);
    expect(await by.inputValue()).toBe('hall');
    await expect.poll(() => grid.locator('ol.bars li').count()).toBeGreaterThan(1);
    expect(troubles).toEqual([]);
    await visited.context.close();
  });
});

describe('a token', () => {
  it('is made and revoked on Settings by whoever is signed in', async () => {
    const looker = await visit(browser, { origin: demo.origin, link: `${demo.origin}/login` }, 'phone', 'light', async (seen) => {
      await seen.getByLabel('Name').fill('greta');
      await seen.getByLabel('Password').fill(PASSWORD);
      await seen.getByRole('button', { name: 'Sign in' }).click();
    });
    expect(looker.troubles.splice(0).filter((trouble) => !/status of 401/.test(trouble))).toEqual([]);
    const main = looker.page.locator('main');
    await looker.page.getByRole('link', { name: 'Settings' }).click();
    await expect.poll(() => main.innerText()).toContain('No token.');
    await looker.page.getByText('Make a token').click();
    await looker.page.getByLabel('What for').fill('dispatch');
    await looker.page.getByLabel('Why, for those').fill('the desk reads the load');
    expect(await looker.page.getByRole('checkbox').count()).toBe(3);
    await looker.page.getByLabel('site.read').check();
    expect(await axeFindings(looker.page)).toEqual([]);
    await looker.page.getByRole('button', { name: 'Make it' }).click();
    const token = await looker.page.locator('.made code').innerText();
    const asked = await fetch(`${demo.origin}/api/v1/site?trace=0`, { headers: { authorization: `Bearer ${token}` } });
    expect(asked.status).toBe(200);
    await looker.page.getByRole('button', { name: 'Revoke dispatch' }).click();
    await looker.page.locator('dialog[open]').getByLabel('Why, for those').fill('the desk has another');
    await looker.page.locator('dialog[open]').getByRole('button', { name: 'Revoke dispatch' }).click();
    await expect.poll(() => main.innerText()).toMatch(/revoked \d{4}-\d\d-\d\d/);
    expect((await fetch(`${demo.origin}/api/v1/site?trace=0`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
    expect(looker.troubles).toEqual([]);
    await looker.context.close();
  });
});
