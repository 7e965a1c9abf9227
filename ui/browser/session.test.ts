// A session that ends, is begun anew beside this window, or has other rights by now: the window goes on as what it then is.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { axeFindings, launch, open, startDemo, visit, type Demo, type Visit } from './harness';

const PASSWORD = 'a long enough password 3';
let demo: Demo;
let browser: Browser;
let owner: Visit;
let context: BrowserContext;
let page: Page;
let origin: string;

beforeAll(async () => {
  [demo, browser] = await Promise.all([startDemo(['--machines', '300', '--speed', '60']), launch()]);
  origin = demo.origin;
  owner = await visit(browser, demo);
  const added = await change(owner.page, 'post', '/people', { name: 'anna', role: 'operator', owner: null, reason: 'she has the desk' });
  const { link } = (await added.json()) as { link: string };
  context = await browser.newContext({ locale: 'en-GB' });
  const key = link.split('key=')[1];
  const set = await context.request.post(`${origin}/api/v1/setup`, { data: { key, password: PASSWORD } });
  expect(set.status()).toBe(200);
  page = await context.newPage();
});
afterAll(async () => {
  await browser.close();
  await demo.stop();
});

type Method = 'post' | 'patch' | 'delete';
/** Changes something as who is signed in there, past the page. */
async function change(as: Page, method: Method, path: string, data: unknown): Promise<Awaited<ReturnType<Page['request']['post']>>> {
  const { csrf } = (await (await as.request.get(`${origin}/api/v1/me`)).json()) as { csrf: string };
  const answer = await as.request[method](`${origin}/api/v1${path}`, { headers: { 'x-csrf-token': csrf }, data });
  expect(answer.status(), `${method} ${path}`).toBeLessThan(300);
  return answer;
}
async function signIn(): Promise<void> {
  await page.getByLabel('Name').fill('anna');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

describe('a session', () => {
  it('that was begun anew in another window stops from the first one too', async () => {
    await page.goto(`${origin}/power`);
    await page.waitForSelector('nav');
    const other = await browser.newContext();
    const again = await other.request.post(`${origin}/api/v1/session`, { data: { name: 'anna', password: PASSWORD } });
    expect(again.status()).toBe(200);
    await context.addCookies(await other.cookies());
    await other.close();
    await page.getByRole('button', { name: 'Stop' }).first().click();
    const dialog = page.locator('dialog[open]');
    await dialog.getByLabel('What to stop').selectOption('hall-1');
    await dialog.getByRole('button', { name: 'Stop hall-1 now' }).click();
    await expect.poll(() => dialog.innerText(), { timeout: 20_000 }).toMatch(/(In force: stop of|Stopped:) hall-1/);
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    const told = await owner.page.request.get(`${origin}/api/v1/directives`);
    expect(((await told.json()) as { stops: unknown[] }).stops.length).toBe(1);
    await change(owner.page, 'delete', '/stops?circuit=hall-1&reason=it+was+a+drill', undefined);
  });
  it('that has ended is signed in again where one was, and a stop meanwhile is told as not done', async () => {
    await open(page, '/power?at=hall-2');
    await expect.poll(() => page.locator('header .state').innerText()).toContain('live');
    await page.getByRole('button', { name: 'Stop' }).first().click();
    // Its end is not heard of by the stream before the stop.
    await page.route(/\/api\/v1\/(site|alerts|circuits|directives|holds)\b/, (route) => route.abort());
    await change(page, 'delete', '/session', undefined);
    await page.getByRole('button', { name: 'Stop the whole site now' }).click();
    await expect.poll(() => page.locator('main').innerText(), { timeout: 20_000 }).toMatch(/NOT stopped: the whole site[\s\S]*cut the power by hand[\s\S]*Your session has ended/);
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/power?at=hall-2');
    expect(await page.locator('.gone').count()).toBe(0);
    expect(await axeFindings(page)).toEqual([]);
    await page.unroute(/\/api\/v1\/(site|alerts|circuits|directives|holds)\b/);
    await signIn();
    await page.waitForSelector('nav');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('main').innerText(), { timeout: 20_000 }).toMatch(/hall-2/);
    expect(new URL(page.url()).search).toBe('?at=hall-2');
    await expect.poll(() => page.locator('header .state').innerText(), { timeout: 20_000 }).toContain('live');
  });
  it('that ends by itself says so on any page, and not that the site does not answer', async () => {
    await open(page, '/');
    await expect.poll(() => page.locator('header .state').innerText()).toContain('live');
    await change(page, 'delete', '/session', undefined);
    await expect.poll(() => page.locator('main').innerText(), { timeout: 30_000 }).toContain('Your session has ended');
    expect(await page.locator('main').innerText()).not.toContain('does not answer');
    await signIn();
    await page.waitForSelector('.verdict');
  });
  it('whose role was changed offers what that one may do', async () => {
    expect(await page.getByRole('button', { name: 'Stop' }).count()).toBe(1);
    await change(owner.page, 'patch', '/people/anna', { role: 'read-only', reason: 'she has left the desk' });
    await expect.poll(() => page.getByRole('button', { name: 'Stop' }).count(), { timeout: 30_000 }).toBe(0);
    await expect.poll(() => page.locator('header .state').innerText(), { timeout: 20_000 }).toContain('live');
  });
});

describe('a window', () => {
  it('gives its stream back while nobody sees it, and is up to date when it is seen again', async () => {
    const { page: own, context: its, troubles } = owner;
    await own.addInitScript(() => {
      const all: EventSource[] = [];
      const Real = window.EventSource;
      window.EventSource = class extends Real {
        constructor(url: string | URL) {
          super(url);
          all.push(this);
        }
      };
      Object.assign(window, { streams: (): number[] => all.map((stream) => stream.readyState) });
    });
    await open(own, '/');
    const streams = (): Promise<number[]> => own.evaluate(() => (window as unknown as { streams: () => number[] }).streams());
    const see = (seen: boolean): Promise<void> => own.evaluate((is) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => !is });
      document.dispatchEvent(new Event('visibilitychange'));
    }, seen);
    await expect.poll(streams).toEqual([1]);
    await see(false);
    await see(true);
    expect(await streams(), 'a glance elsewhere').toEqual([1]);
    await see(false);
    await expect.poll(streams, { timeout: 20_000 }).toEqual([2]);
    await see(true);
    await expect.poll(streams, { timeout: 20_000 }).toEqual([2, 1]);
    await expect.poll(() => own.locator('header .state').innerText()).toContain('live');
    expect(await own.locator('.gone').count()).toBe(0);
    expect(troubles).toEqual([]);
    await its.close();
  });
});
