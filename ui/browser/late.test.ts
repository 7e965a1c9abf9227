// Windows that are closed, and answers that come late: what was meant is done and nothing else, and whoever asked hears of it.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { axeFindings, launch, open, startDemo, visit, type Demo } from './harness';

let demo: Demo;
let browser: Browser;

beforeAll(async () => {
  [demo, browser] = await Promise.all([startDemo(['--machines', '300', '--speed', '60']), launch()]);
});
afterAll(async () => {
  await browser.close();
  await demo.stop();
});

/** Holds back the answers to what is sent with a method to a path, until each is let through or refused. */
async function holdBack(page: Page, path: string, method: string): Promise<{ sent: string[]; next: (answer?: { status: number; type: string }) => Promise<void> }> {
  const sent: string[] = [];
  const waiting: ((answer?: { status: number; type: string }) => Promise<void>)[] = [];
  await page.route(
    (url) => url.pathname === `/api/v1${path}`,
    async (route) => {
      if (route.request().method() !== method) return route.fallback();
      sent.push(route.request().postData() ?? '');
      await new Promise<void>((over) => {
        waiting.push(async (answer) => {
          if (answer) await route.fulfill({ status: answer.status, contentType: 'application/problem+json', body: JSON.stringify({ type: answer.type, detail: 'not now' }) });
          else await route.continue();
          over();
        });
      });
    },
  );
  const next = async (answer?: { status: number; type: string }): Promise<void> => {
    await expect.poll(() => waiting.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await waiting.shift()?.(answer);
  };
  return { sent, next };
}

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

/** Lifts every stop. */
async function lift(page: Page): Promise<void> {
  const { csrf } = (await (await page.request.get(`${demo.origin}/api/v1/me`)).json()) as { csrf: string };
  const { stops } = (await (await page.request.get(`${demo.origin}/api/v1/directives`)).json()) as { stops: { circuit: string }[] };
  for (const { circuit } of stops) {
    const lifted = await page.request.delete(`${demo.origin}/api/v1/stops?circuit=${encodeURIComponent(circuit)}&reason=it+was+a+drill`, { headers: { 'x-csrf-token': csrf } });
    expect(lifted.status(), circuit).toBe(200);
  }
}
