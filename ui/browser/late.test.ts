// Windows that are closed, and answers that come late: what was meant is done and nothing else, and whoever asked hears of it.
import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { axeFindings, holdBack, launch, loseSite, open, startDemo, visit, type Demo } from './harness';

let demo: Demo;
let browser: Browser;

beforeAll(async () => {
  [demo, browser] = await Promise.all([startDemo(['--machines', '300', '--speed', '60']), launch()]);
});
afterAll(async () => {
  await browser.close();
  await demo.stop();
});

describe('stopping the circuits of a selection', () => {
  it('that is closed half-way ends there, locks out nothing, and says how far it came', async () => {
    const { page, context } = await visit(browser, demo);
    const stops = await holdBack(page, '/stops', 'POST');
    const lockouts = await holdBack(page, '/lockouts', 'POST');
    await open(page, '/machines');
    for (const rack of ['hall-1/rack-1', 'hall-1/rack-2', 'hall-2/rack-1']) {
      await page.getByRole('searchbox').fill(rack);
      await expect.poll(() => page.locator('.body .id a').first().innerText(), { timeout: 10_000 }).toMatch(new RegExp(`^${rack}/`));
      await page.locator('.body input[type=checkbox]').first().check();
    }
    await page.getByRole('button', { name: 'Stop their circuits…' }).click();
    const dialog = page.locator('dialog[open]');
    await dialog.getByLabel('Why, for those').fill('smoke');
    await dialog.getByRole('button', { name: 'Do it on 3 circuits' }).click();
    await stops.next();
    await expect.poll(() => dialog.innerText(), { timeout: 10_000 }).toContain('Done so far: 1 of 3 circuits.');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('dialog[open]').count()).toBe(0);
    await stops.next();
    await expect.poll(() => page.locator('.late').innerText(), { timeout: 10_000 }).toContain('Stop circuits: done for 2 of 3 circuits, and for no more.');
    expect(await axeFindings(page)).toEqual([]);
    expect([stops.sent.length, lockouts.sent.length]).toEqual([2, 0]);
    const directives = (await (await page.request.get(`${demo.origin}/api/v1/directives`)).json()) as { stops: { circuit: string }[]; lockouts: unknown[] };
    expect([directives.stops.length, directives.lockouts.length]).toEqual([2, 0]);
    await page.locator('.late').getByRole('button', { name: 'Close' }).click();
    expect(await page.locator('.late').count()).toBe(0);
    await lift(page);
    await context.close();
  });
});

describe('the emergency stop', () => {
  it('is told for what was sent, where and when it was sent, and as done when the meter says so', async () => {
    const { page, context } = await visit(browser, demo);
    let previews = 0;
    page.on('request', (request) => {
      if (request.url().endsWith('/orders/preview')) previews++;
    });
    const stops = await holdBack(page, '/stops', 'POST');
    await open(page, '/power');
    const dialog = page.locator('dialog[open]');
    const press = async (circuit: string): Promise<void> => {
      await page.getByRole('button', { name: 'Stop', exact: false }).first().click();
      await dialog.getByLabel('What to stop').selectOption(circuit);
      await dialog.getByRole('button', { name: /^. Stop .* now$/ }).click();
    };
    // The preview stays as it was worked out while the site goes on telling of itself.
    await page.getByRole('button', { name: 'Stop' }).first().click();
    await expect.poll(() => dialog.innerText(), { timeout: 20_000 }).toMatch(/The load goes from[\s\S]*remain/);
    const asked = previews;
    await page.waitForTimeout(3_500);
    expect(previews).toBe(asked);
    await page.keyboard.press('Escape');

    // Closed while it waits, and opened again: the new window has not stopped anything yet, and hears of the failure of the old.
    await press('hall-1');
    expect(await dialog.getByLabel('What to stop').isDisabled()).toBe(true);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Stop' }).first().click();
    await dialog.getByLabel('What to stop').selectOption('hall-2');
    await stops.next(REFUSED);
    await expect.poll(() => dialog.innerText(), { timeout: 10_000 }).toMatch(/NOT stopped: hall-1[\s\S]*Press again, or cut the power by hand/);
    expect(await dialog.getByRole('button', { name: 'Stop hall-2 now' }).isEnabled()).toBe(true);
    expect(await axeFindings(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('.late').innerText()).toContain('NOT stopped: hall-1');
    await page.locator('.late').getByRole('button', { name: 'Close' }).click();

    await press('hall-1');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Stop' }).first().click();
    await stops.next();
    await expect.poll(() => dialog.innerText(), { timeout: 10_000 }).toContain('In force: stop of hall-1. It is in the book.');
    expect(await dialog.innerText()).not.toMatch(/✓ Stopped/);
    expect(await dialog.getByRole('button', { name: 'Stop the whole site now' }).count()).toBe(1);
    await page.keyboard.press('Escape');

    await press('hall-2');
    await stops.next();
    await expect.poll(() => dialog.innerText(), { timeout: 60_000 }).toContain('✓ Stopped: hall-2');
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    expect(stops.sent.map((body) => (JSON.parse(body) as { circuit: string }).circuit)).toEqual(['hall-1', 'hall-1', 'hall-2']);
    await lift(page);
    await context.close();
  });
  it('names the halls where nothing is sent, and is not told as done there', async () => {
    const { page, context } = await visit(browser, demo);
    const { csrf } = (await (await page.request.get(`${demo.origin}/api/v1/me`)).json()) as { csrf: string };
    const authority = async (to: string): Promise<void> => {
      const answer = await page.request.put(`${demo.origin}/api/v1/halls/hall-4/authority`, { headers: { 'x-csrf-token': csrf }, data: { authority: to, reason: 'a drill' } });
      expect(answer.status()).toBe(200);
    };
    await authority('observe');
    await open(page, '/');
    const dialog = page.locator('dialog[open]');
    await page.getByRole('button', { name: 'Stop' }).first().click();
    await expect.poll(() => dialog.innerText(), { timeout: 20_000 }).toContain('Nothing is sent in hall-4: offpeak only watches there. Cut the power there by hand.');
    await dialog.getByLabel('What to stop').selectOption('hall-1');
    await expect.poll(() => dialog.innerText()).not.toContain('Nothing is sent');
    await dialog.getByLabel('What to stop').selectOption('hall-4');
    await dialog.getByRole('button', { name: 'Stop hall-4 now' }).click();
    await expect.poll(() => dialog.innerText(), { timeout: 10_000 }).toMatch(/In force: stop of hall-4\. It is in the book\.\s+NOT stopped[\s\S]*Cut the power there by hand[\s\S]*Load there now/);
    expect(await dialog.innerText()).not.toContain('✓');
    expect(await axeFindings(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await lift(page);
    await authority('control');
    await context.close();
  });
  it('that only memory holds is told as that after its window was closed, too', async () => {
    const { page, context } = await visit(browser, demo);
    await open(page, '/');
    let answer: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => (answer = resolve));
    await page.route(/\/api\/v1\/stops$/, async (route) => {
      await closed;
      await route.fulfill({ json: { done: 'the site is stopped', not_in_book: 'no space left on device' } });
    });
    await page.getByRole('button', { name: 'Stop' }).first().click();
    await page.locator('dialog[open]').getByRole('button', { name: 'Stop the whole site now' }).click();
    await page.keyboard.press('Escape');
    answer();
    await expect.poll(() => page.locator('.late').innerText(), { timeout: 10_000 }).toMatch(/In force: stop of the whole site\.[\s\S]*NOT in the book[\s\S]*no space left on device/);
    expect(await axeFindings(page)).toEqual([]);
    await context.close();
  });
});

describe('a question why', () => {
  it('is not closed, nor told of a failure, by what was asked before it', async () => {
    const { page, context } = await visit(browser, demo);
    const { csrf } = (await (await page.request.get(`${demo.origin}/api/v1/me`)).json()) as { csrf: string };
    for (const circuit of ['hall-1', 'hall-2']) {
      const stopped = await page.request.post(`${demo.origin}/api/v1/stops`, { headers: { 'x-csrf-token': csrf }, data: { circuit, reason: 'a drill' } });
      expect(stopped.status()).toBe(200);
    }
    const lifts = await holdBack(page, '/stops', 'DELETE');
    await open(page, '/power');
    const dialog = page.locator('dialog[open]');
    const lifting = page.getByRole('button', { name: 'Lift', exact: true });
    for (const answer of [REFUSED, undefined]) {
      await lifting.first().click();
      await dialog.getByLabel('Why, for those').fill('it was a drill');
      await dialog.getByRole('button', { name: 'Lift' }).click();
      await page.keyboard.press('Escape');
      await lifting.nth(1).click();
      await dialog.getByLabel('Why, for those').fill('another reason');
      await lifts.next(answer);
      await expect.poll(() => page.locator('.late').innerText(), { timeout: 10_000 }).toMatch(answer ? /Not done: Lift/ : /Done after its window was closed: Lift/);
      expect(await dialog.getByRole('alert').count()).toBe(0);
      expect(await dialog.getByLabel('Why, for those').inputValue()).toBe('another reason');
      await page.keyboard.press('Escape');
      await page.locator('.late').getByRole('button', { name: 'Close' }).click();
    }
    await lift(page);
    await context.close();
  });
});

describe('the calendar', () => {
  it('is of the circuit that is named above it, and knows of a stop at once', async () => {
    const { page, context } = await visit(browser, demo);
    const { csrf } = (await (await page.request.get(`${demo.origin}/api/v1/me`)).json()) as { csrf: string };
    const stop = await page.request.post(`${demo.origin}/api/v1/stops`, { headers: { 'x-csrf-token': csrf }, data: { circuit: 'hall-2', reason: 'a drill' } });
    expect(stop.status()).toBe(200);
    const calendars = await holdBack(page, '/calendar', 'GET', 'circuit=hall-2');
    await open(page, '/power?at=hall-1');
    const card = page.locator('main section', { hasText: 'What is allowed' }).last();
    const bars = card.locator('.stretch');
    await expect.poll(() => bars.count(), { timeout: 20_000 }).toBeGreaterThan(0);
    expect(await card.innerText()).not.toMatch(/stop/);
    // Another circuit is chosen, and a third before the answer comes.
    const choose = (circuit: string): Promise<void> => page.locator('main a', { hasText: new RegExp(`^${circuit}$`) }).first().click();
    await choose('hall-2');
    await expect.poll(() => bars.count()).toBe(0);
    await choose('hall-3');
    await expect.poll(() => bars.count(), { timeout: 20_000 }).toBeGreaterThan(0);
    await calendars.next();
    await page.waitForTimeout(500);
    expect(await card.innerText()).toMatch(/at hall-3/);
    expect(await card.innerText()).not.toMatch(/stop/);
    // A failure is told as long as it lasts, and tried again.
    await choose('hall-2');
    await calendars.next(REFUSED);
    await expect.poll(() => card.getByRole('alert').count(), { timeout: 10_000 }).toBe(1);
    await page.waitForTimeout(2_500);
    expect([await bars.count(), await card.getByRole('alert').count()]).toEqual([0, 1]);
    await calendars.through();
    await expect.poll(() => card.innerText(), { timeout: 20_000 }).toMatch(/stop/);
    expect(await card.getByRole('alert').count()).toBe(0);
    // What is lifted is out of it at once.
    await lift(page);
    await expect.poll(() => card.innerText(), { timeout: 20_000 }).not.toMatch(/stop/);
    await context.close();
  });
});

describe('the floor', () => {
  it('is read again when it failed, and together with its states when the site may have been started with another file', async () => {
    const { page, context } = await visit(browser, demo);
    await loseSite(page);
    let asked = 0;
    let others = false;
    // Another site file: its first machine is not there any more, and each of the others stands a place earlier.
    const without = async (route: Route, change: (body: { id: string[]; state: string }) => unknown): Promise<void> => {
      const headers = { ...route.request().headers() };
      delete headers['if-none-match'];
      const response = await route.fetch({ headers });
      const body = (await response.json()) as { id: string[]; state: string };
      await route.fulfill({ json: change(body) });
    };
    await page.route(/\/api\/v1\/floor$/, async (route) => {
      if (asked++ === 0) return route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ type: REFUSED.type, detail: 'not now' }) });
      if (!others) return route.fallback();
      return without(route, (body) => Object.fromEntries(Object.entries(body).map(([name, column]) => [name, ['id', 'circuit', 'model', 'owner'].includes(name) ? (column as string[]).slice(1) : column])));
    });
    await page.route(/\/api\/v1\/floor\/states/, (route) => (others ? without(route, (body) => ({ ...body, state: body.state.slice(1) })) : route.fallback()));
    await open(page, '/floor');
    await page.locator('canvas').waitFor({ timeout: 15_000 });
    await expect.poll(() => page.locator('main .problem').count()).toBe(0);
    const legend = (): Promise<number> => page.locator('.legend .number').allInnerTexts().then((sums) => sums.reduce((sum, text) => sum + Number(text.replaceAll(',', '')), 0));
    expect(await legend()).toBe(300);
    await page.locator('canvas').focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('.chosen').innerText()).toMatch(/hall-1\/rack-1\/pdu-1\/1/);
    others = true;
    await page.evaluate(() => {
      for (const stream of (window as unknown as { streams: EventSource[] }).streams) stream.dispatchEvent(new Event('open'));
    });
    await expect.poll(legend, { timeout: 15_000 }).toBe(299);
    // What was chosen is not what stands there now.
    await expect.poll(() => page.locator('.chosen').innerText()).not.toMatch(/hall-1/);
    await page.locator('canvas').focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('.chosen').innerText()).toMatch(/hall-1\/rack-1\/pdu-1\/2/);
    await context.close();
  });
});

describe('holding machines off', () => {
  it('is not done by a preview of another end', async () => {
    const { page, context } = await visit(browser, demo);
    const previews = await holdBack(page, '/holds/preview', 'POST');
    await open(page, '/machines');
    await page.locator('.body input[type=checkbox]').first().check();
    await page.getByRole('button', { name: 'Hold off…' }).click();
    const dialog = page.locator('dialog[open]');
    await dialog.getByLabel('Why, for those').fill('a drill');
    const sure = dialog.getByRole('button', { name: 'Hold 1 off' });
    await previews.next();
    await expect.poll(() => sure.isEnabled(), { timeout: 10_000 }).toBe(true);
    await dialog.getByRole('button', { name: '1 h', exact: true }).click();
    expect(await sure.isDisabled()).toBe(true);
    await dialog.getByRole('button', { name: '4 h', exact: true }).click();
    await previews.next();
    await page.waitForTimeout(500);
    expect(await sure.isDisabled()).toBe(true);
    await previews.next();
    await expect.poll(() => sure.isEnabled(), { timeout: 10_000 }).toBe(true);
    const [none, hour, four] = previews.sent.map((body) => (JSON.parse(body) as { until: string | null }).until);
    expect([none, Date.parse(four ?? '') - Date.parse(hour ?? '')]).toEqual([null, 3 * 3_600_000]);
    await page.keyboard.press('Escape');
    await context.close();
  });
});

describe('a part of the pages that does not load', () => {
  it('is told as that, and loaded by a reload', async () => {
    const { page, context } = await visit(browser, demo);
    await page.route(/\/assets\/Floor[^/]*\.js$/, (route) => route.abort());
    await open(page, '/');
    await page.locator('nav a', { hasText: 'Floor' }).click();
    const alert = page.locator('main').getByRole('alert');
    await expect.poll(() => alert.innerText(), { timeout: 10_000 }).toMatch(/could not be loaded[\s\S]*Reload the page/);
    expect(await alert.innerText()).not.toMatch(/does not answer|last orders/);
    expect(await axeFindings(page)).toEqual([]);
    await page.unroute(/\/assets\/Floor[^/]*\.js$/);
    await alert.getByRole('button', { name: 'Reload' }).click();
    await page.locator('canvas').waitFor({ timeout: 15_000 });
    await context.close();
  });
});

const REFUSED = { status: 503, type: 'urn:offpeak:busy' };

/** Lifts every stop. */
async function lift(page: Page): Promise<void> {
  const { csrf } = (await (await page.request.get(`${demo.origin}/api/v1/me`)).json()) as { csrf: string };
  const lifted = await page.request.delete(`${demo.origin}/api/v1/stops?reason=it+was+a+drill`, { headers: { 'x-csrf-token': csrf } });
  expect(lifted.status(), await lifted.text()).toBe(200);
}
