// What people come for, from the first click to what it does to the plant.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { axeFindings, launch, loseSite, open, startDemo, visit, type Demo } from './harness';

let demo: Demo;
let browser: Browser;

beforeAll(async () => {
  [demo, browser] = await Promise.all([startDemo(['--machines', '300', '--speed', '60']), launch()]);
});
afterAll(async () => {
  await browser.close();
  await demo.stop();
});

interface Site {
  power_kw: number | null;
  limit: { limit_kw: number; source: string } | null;
  counts: { running: number; asleep: number; total: number };
  halls: { id: string; power_kw: number | null }[];
}
/** What the site says, apart from the pages. */
async function ask(page: Page): Promise<Site> {
  return (await (await page.request.get(`${demo.origin}/api/v1/site?trace=0`)).json()) as Site;
}
async function until(page: Page, what: string, holds: (site: Site) => boolean): Promise<Site> {
  for (let tries = 0; tries < 240; tries++) {
    const site = await ask(page);
    if (holds(site)) return site;
    await page.waitForTimeout(250);
  }
  throw new Error(`it never came: ${what}; last: ${JSON.stringify(await ask(page))}`);
}

describe('an order', () => {
  it('is previewed, given, obeyed on the meter, and lifted', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    const before = await until(page, 'the mine runs', (site) => site.counts.running > 150);
    await open(page, '/power');
    await page.getByLabel('Limit in kW').fill('150');
    await page.getByRole('button', { name: 'Preview' }).click();
    await expect.poll(() => page.locator('.preview').innerText()).toMatch(/put [\d,]+ machines to sleep .* Load .*W before, .*W after/);
    expect((await ask(page)).counts.running).toBeGreaterThan(150);
    await page.getByLabel('Why, for those').fill('the grid asks for it');
    await page.getByRole('button', { name: 'Order the limit' }).click();
    await expect.poll(() => page.locator('.done').innerText()).toMatch(/Order \d+ is in force/);
    const after = await until(page, 'the meter falls below the order', (site) => (site.power_kw ?? Infinity) <= 150);
    expect(after.power_kw).toBeLessThan(before.power_kw ?? 0);
    expect(after.limit?.source).toMatch(/order/);
    await open(page, '/');
    await expect.poll(() => page.locator('.verdict').innerText()).toMatch(/order \d+/);
    await open(page, '/power');
    await page.getByRole('button', { name: 'Lift', exact: true }).first().click();
    await page.locator('dialog[open]').getByLabel('Why, for those').fill('the grid has enough');
    await page.locator('dialog[open]').getByRole('button', { name: 'Lift' }).click();
    await until(page, 'the order is gone', (site) => site.limit?.source !== after.limit?.source);
    expect(troubles).toEqual([]);
    await context.close();
  });
  it('from tomorrow is not said to be in force', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    const me = (await (await page.request.get(`${demo.origin}/api/v1/me`)).json()) as { at: string; csrf: string };
    const day = new Date(Date.parse(me.at) + 2 * 86_400_000).toISOString().slice(0, 10);
    await open(page, '/power');
    await page.getByLabel('Limit in kW').fill('150');
    await page.getByLabel(/^From/).fill(`${day}T12:00`);
    await page.getByLabel('or for').fill('1');
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.locator('.preview').waitFor();
    await page.getByLabel('Why, for those').fill('the grid asks for it then');
    await page.getByRole('button', { name: 'Order the limit' }).click();
    await expect.poll(() => page.locator('.done').innerText()).toMatch(/Order \d+ is in the book\. It holds from .* 12:00/);
    const id = /Order (\d+)/.exec(await page.locator('.done').innerText())?.[1] ?? '';
    expect((await page.request.delete(`${demo.origin}/api/v1/orders/${id}?reason=not+needed`, { headers: { 'x-csrf-token': me.csrf } })).status()).toBe(200);
    expect(troubles).toEqual([]);
    await context.close();
  });
  it('that makes no sense is refused in words, and what was typed stays', async () => {
    const { page, context } = await visit(browser, demo);
    await open(page, '/power');
    await page.getByLabel('Limit in kW').fill('100');
    await page.getByLabel(/^Until/).fill('2001-01-01T00:00');
    await page.getByRole('button', { name: 'Preview' }).click();
    await expect.poll(() => page.getByRole('alert').allInnerTexts().then(String)).toMatch(/before it begins|over already/);
    expect(await page.getByRole('button', { name: 'Order the limit' }).isDisabled()).toBe(true);
    expect(await page.getByLabel('Limit in kW').inputValue()).toBe('100');
    await context.close();
  });
});

describe('an order on a phone', () => {
  it('says at its field what is wrong, and brings a refusal into sight', async () => {
    const { page, context } = await visit(browser, demo, 'phone');
    await open(page, '/power');
    const limit = page.getByLabel('Limit in kW');
    for (const wrong of ['100kW', '0.1 MW', '-5', '1,500']) {
      await limit.fill(wrong);
      await expect.poll(() => page.locator('.wrong').first().innerText(), { message: wrong }).toMatch(/number of kilowatts/);
    }
    await limit.fill('');
    await page.getByRole('button', { name: 'Preview' }).tap();
    await expect.poll(() => page.locator('.wrong').first().innerText()).toMatch(/number of kilowatts/);
    await limit.fill('100');
    for (const wrong of ['30 min', '0 h']) {
      await page.getByLabel('or for').fill(wrong);
      await expect.poll(() => page.locator('.wrong').last().innerText(), { message: wrong }).toMatch(/number of hours/);
    }
    await page.getByLabel('or for').fill('');
    await page.getByLabel(/^Until/).fill('2001-01-01T00:00');
    await page.getByRole('button', { name: 'Preview' }).tap();
    const refusal = page.locator('form .told');
    await refusal.waitFor();
    const box = await refusal.boundingBox();
    expect(box && box.y >= 0 && box.y + box.height <= 844, 'it is in sight').toBe(true);
    await page.getByLabel(/^Until/).fill('');
    // The calendar is a line a day.
    const lines = await page.locator('details.told summary').allInnerTexts();
    expect(lines.length).toBeGreaterThan(13);
    expect(Math.max(...lines.map((line) => line.split(';').length))).toBeLessThan(5);
    await limit.fill('100000');
    await page.getByRole('button', { name: 'Preview' }).tap();
    await expect.poll(() => page.locator('.preview').innerText()).toMatch(/changes nothing as long as/);
    await context.close();
  });
});

describe('why a machine sleeps', () => {
  it('is found from Now in three clicks', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    await until(page, 'some sleep', (site) => site.counts.asleep > 0);
    await page.getByRole('link', { name: 'asleep' }).first().click();
    await page.waitForURL(/state=asleep/);
    await page.locator('.body a').first().click();
    await page.waitForURL(/machines\/hall/);
    await expect.poll(() => page.locator('.why').innerText()).toMatch(/Why it is so: \S+/);
    expect(troubles).toEqual([]);
    await context.close();
  });
});

describe('the table of machines', () => {
  it('keeps its filters in the address, and shows the last row too', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    await open(page, '/machines');
    await expect.poll(() => page.locator('.head').innerText()).toContain('300 machines');
    await page.getByRole('combobox', { name: 'Hall', exact: true }).selectOption('hall-2');
    await page.getByRole('searchbox').fill('rack-2');
    await page.waitForURL(/hall=hall-2/);
    await page.waitForURL(/search=rack-2/);
    await page.reload();
    await expect.poll(() => page.locator('.body .id a').first().innerText()).toMatch(/hall-2\/rack-2/);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await expect.poll(() => page.locator('.head').innerText()).toContain('300 machines');
    await page.locator('.table').evaluate((body) => body.scrollTo({ top: body.scrollHeight }));
    await page.waitForSelector('[aria-rowindex="301"] a');
    await page.getByRole('button', { name: /^Power/ }).click();
    await page.waitForURL(/sort=power/);
    expect(troubles).toEqual([]);
    await context.close();
  });
  it('does not bring back who types and leaves', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    await open(page, '/machines');
    await page.getByRole('searchbox').evaluate((field: HTMLInputElement) => {
      field.value = 'rack-2';
      field.dispatchEvent(new Event('input', { bubbles: true }));
      document.querySelector<HTMLAnchorElement>('nav a[href="/power"]')?.click();
    });
    await expect.poll(() => page.locator('main h1').innerText()).toBe('Power');
    await page.waitForTimeout(500);
    expect(new URL(page.url()).pathname).toBe('/power');
    expect(troubles).toEqual([]);
    await context.close();
  });
  it('finds a machine by its MAC in any spelling, and says where there is no page', async () => {
    const { page, context } = await visit(browser, demo);
    const { machines } = (await (await page.request.get(`${demo.origin}/api/v1/machines?limit=1`)).json()) as { machines: { id: string; mac: string }[] };
    const mac = machines[0]?.mac ?? '';
    await open(page, '/machines');
    for (const typed of [mac.replaceAll(':', '-').toLowerCase(), mac.replaceAll(':', '')]) {
      await page.getByRole('searchbox').fill(typed);
      await expect.poll(() => page.locator('.head').innerText(), { message: typed }).toContain('1 machine found');
      expect(await page.locator('.body .id a').first().innerText()).toBe(machines[0]?.id);
    }
    await open(page, '/nowhere');
    expect(await page.locator('main').innerText()).toMatch(/No such page[\s\S]*\/nowhere/);
    await context.close();
  });
  it('shows on a phone how names end, by which they differ', async () => {
    const { page, context } = await visit(browser, demo, 'phone');
    await open(page, '/machines');
    const name = page.locator('.body .id a').first();
    await name.waitFor();
    const [cell, text] = [await name.boundingBox(), await name.locator('bdi').boundingBox()];
    expect((text?.x ?? 1_000) + (text?.width ?? 0)).toBeLessThanOrEqual((cell?.x ?? 0) + (cell?.width ?? 0) + 1);
    await context.close();
  });
  it('shows what acting on a selection would do before it is done', async () => {
    const { page, context } = await visit(browser, demo);
    await open(page, '/machines?state=running');
    await page.waitForSelector('.body .id a');
    await page.locator('.body input[type=checkbox]').first().check();
    await page.getByRole('button', { name: 'Stop their circuits…' }).click();
    await expect.poll(() => page.locator('dialog[open]').innerText()).toMatch(/on 1 circuit\. Machines there in all: \d+[\s\S]*machines? (go|goes) to sleep and the load falls by .*W/);
    await page.locator('dialog[open]').getByRole('button', { name: 'Cancel' }).click();
    await context.close();
  });
});

describe('the floor', () => {
  it('is walked by keyboard, and says which machine is meant', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    await open(page, '/floor');
    await page.locator('canvas').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('.chosen').innerText()).toMatch(/hall-1\/rack-1\/pdu-1\/2/);
    await page.getByRole('button', { name: 'Temperature' }).click();
    await page.waitForURL(/by=temperature/);
    await page.getByRole('link', { name: 'Open this machine' }).click();
    await page.waitForURL(/machines\/hall-1\/rack-1\/pdu-1\/2/);
    await page.goBack();
    await page.locator('canvas').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.waitForURL(/machines\/hall-1\/rack-1\/pdu-1\/1$/);
    expect(troubles).toEqual([]);
    await context.close();
  });
  it('tells on a phone in sight what was tapped', async () => {
    const { page, context } = await visit(browser, demo, 'phone');
    await open(page, '/floor?at=hall-1/rack-1');
    await page.locator('canvas').waitFor();
    await page.waitForTimeout(500);
    const box = await page.locator('canvas').boundingBox();
    await page.touchscreen.tap((box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) / 2);
    await expect.poll(() => page.locator('.tapped').innerText()).toMatch(/hall-1\/rack-1/);
    const told = await page.locator('.tapped').boundingBox();
    expect((told?.y ?? 1_000) + (told?.height ?? 0)).toBeLessThan(844 - 60);
    await context.close();
  });
});

describe('emergency stop on a phone', () => {
  it('takes two deliberate steps, empties the meter, and is lifted again', async () => {
    const { page, context, troubles } = await visit(browser, demo, 'phone');
    const before = await until(page, 'the mine runs', (site) => site.counts.running > 150);
    const button = page.getByRole('button', { name: 'Stop' }).first();
    const first = await button.boundingBox();
    await button.tap();
    const sure = page.getByRole('button', { name: 'Stop the whole site now' });
    const second = await sure.boundingBox();
    expect(second && first && (second.y > first.y + first.height || second.x > first.x + first.width), 'the second step lies elsewhere').toBe(true);
    expect(second?.height).toBeGreaterThanOrEqual(44);
    await expect.poll(() => page.locator('dialog[open]').innerText()).toMatch(/machines? (go|goes) to sleep or (are|is) cut. The load goes from .*W to .*W/);
    expect((await ask(page)).counts.running).toBeGreaterThan(150);
    await sure.tap();
    await expect.poll(() => page.locator('dialog[open]').innerText()).toMatch(/(In force: stop of|Stopped:) the whole site/);
    await until(page, 'the machines sleep', (site) => site.counts.running === 0);
    await until(page, 'the meter falls', (site) => site.power_kw !== null && site.power_kw < (before.power_kw ?? 0) / 3);
    await expect.poll(() => page.locator('dialog[open]').innerText(), { timeout: 30_000 }).toMatch(/Stopped: the whole site/);
    await page.locator('dialog[open]').getByRole('button', { name: 'Close' }).last().tap();
    await expect.poll(() => page.locator('.verdict').innerText()).toMatch(/Stopped/);
    await open(page, '/power');
    // What the stop says of a circuit leaves room for its load.
    await page.locator('.name .tag').first().waitFor();
    const running = await page.getByRole('columnheader', { name: 'Running' }).boundingBox();
    expect((running?.x ?? 1_000) + (running?.width ?? 0)).toBeLessThanOrEqual(390);
    await page.getByRole('button', { name: 'Lift', exact: true }).first().tap();
    await page.locator('dialog[open]').getByLabel('Why, for those').fill('the smoke has gone');
    await page.locator('dialog[open]').getByRole('button', { name: 'Lift' }).tap();
    await until(page, 'machines start again', (site) => site.counts.running > 0 || site.counts.asleep < site.counts.total);
    expect(troubles).toEqual([]);
    await context.close();
  });
});

describe('an alert', () => {
  it('is one line a cause, is seen to by name, and is over when its cause is', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    const me = (await (await page.request.get(`${demo.origin}/api/v1/me`)).json()) as { csrf: string };
    const headers = { 'x-csrf-token': me.csrf };
    // Less than sleepers and the house draw: it cannot be met.
    const order = await page.request.post(`${demo.origin}/api/v1/orders`, { headers, data: { words: 'grid to 1 kW', kind: 'emergency', reason: 'a drill' } });
    expect(order.status()).toBe(200);
    const { id } = (await order.json()) as { id: number };
    await open(page, '/alerts');
    const line = page.locator('main li', { hasText: /over-limit at grid/ });
    await expect.poll(() => line.first().innerText(), { timeout: 60_000 }).toMatch(/critical[\s\S]*kW drawn, 1\.0 allowed by .*order/);
    expect(await line.count()).toBe(1);
    await page.getByLabel('A word with it').fill('it is a drill, the order goes at nine');
    await line.getByRole('button', { name: /^See to alert/ }).click();
    await expect.poll(() => line.first().innerText()).toMatch(/demo sees to it[\s\S]*Note: it is a drill, the order goes at nine/);
    // Who sees to it may want quiet too; what was said stays.
    expect(await line.getByRole('button', { name: /^See to alert/ }).count()).toBe(0);
    await line.getByRole('button', { name: /^Quiet alert \d+ for 1 h/ }).click();
    await expect.poll(() => line.first().innerText()).toMatch(/demo sees to it[\s\S]*quiet until[\s\S]*Note: it is a drill/);
    expect(await line.getByRole('button').count()).toBe(0);
    expect((await page.request.delete(`${demo.origin}/api/v1/orders/${id}?reason=the+drill+is+over`, { headers })).status()).toBe(200);
    const over = page.locator('main section', { hasText: 'What is over' }).last().locator('li', { hasText: /over-limit at grid/ });
    await expect.poll(() => over.count(), { timeout: 60_000 }).toBe(1);
    expect(troubles).toEqual([]);
    await context.close();
  });
});

describe('a site that does not answer', () => {
  it('says so on every page and since when, and a stop that failed says what to do', async () => {
    const { page, context } = await visit(browser, demo, 'phone');
    const { lose, find } = await loseSite(page);
    for (const path of ['/', '/power', '/machines']) {
      await open(page, path);
      await expect.poll(() => page.locator('header .state').innerText()).toContain('live');
      await lose();
      await expect.poll(() => page.locator('.gone').innerText(), { timeout: 20_000 }).toMatch(/has not answered since .*\d\d:\d\d/);
      expect(await page.locator('main').getAttribute('class')).toContain('old');
      expect(await axeFindings(page)).toEqual([]);
      await find();
      await expect.poll(() => page.locator('.gone').count(), { timeout: 30_000 }).toBe(0);
      // Nothing of it stays behind, without a reload.
      await expect.poll(() => page.locator('main .problem').count(), { timeout: 20_000 }).toBe(0);
    }
    await open(page, '/');
    await expect.poll(() => page.locator('header .state').innerText()).toContain('live');
    await lose();
    await page.getByRole('button', { name: 'Stop' }).first().tap();
    await page.getByRole('button', { name: 'Stop the whole site now' }).tap();
    const dialog = page.locator('dialog[open]');
    await expect.poll(() => dialog.innerText()).toMatch(/NOT stopped: the whole site[\s\S]*Press again, or cut the power by hand/);
    expect(await dialog.innerText()).not.toMatch(/tries again by itself/);
    await find();
    await expect.poll(() => dialog.innerText(), { timeout: 30_000 }).toMatch(/The site answers again/);
    await dialog.getByRole('button', { name: 'Cancel' }).tap();
    const { stops } = (await (await page.request.get(`${demo.origin}/api/v1/directives`)).json()) as { stops: unknown[] };
    expect(stops, 'nothing was stopped').toEqual([]);
    await context.close();
  });
  it('tells what was measured meanwhile when its stream comes back by itself', async () => {
    const { page, context, troubles } = await visit(browser, demo);
    await loseSite(page);
    await open(page, '/');
    await expect.poll(() => page.locator('header .state').innerText()).toContain('live');
    await page.waitForSelector('.frame canvas');
    const asked = page.waitForRequest(/\/api\/v1\/site\?trace=\d+$/);
    // As a browser tells it that goes on trying by itself.
    await page.evaluate(() => {
      for (const stream of (window as unknown as { streams: EventSource[] }).streams) for (const name of ['error', 'open']) stream.dispatchEvent(new Event(name));
    });
    expect((await (await asked).response())?.status()).toBe(200);
    await expect.poll(() => page.locator('header .state').innerText()).toContain('live');
    expect(troubles).toEqual([]);
    await context.close();
  });
});
