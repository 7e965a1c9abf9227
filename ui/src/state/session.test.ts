import { afterEach, describe, expect, it, vi } from 'vitest';

import { session } from './session.svelte';

const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });
const me = (name: string, ...permissions: string[]): Response => json(200, { name, permissions, csrf: 'word', at: '2022-10-03T18:00:00Z', speed: 1 });
function answers(...with_: (Response | Error)[]): void {
  vi.stubGlobal('fetch', vi.fn(() => {
    const next = with_.shift();
    return next instanceof Response ? Promise.resolve(next) : Promise.reject(next ?? new TypeError('no more'));
  }));
}
afterEach(() => vi.unstubAllGlobals());

describe('who is signed in', () => {
  it('is asked again: other rights, somebody else, nobody any more, or no answer', async () => {
    answers(me('anna', 'stop'), me('anna'), new TypeError('no answer'), me('boris', 'stop'), json(401, {}), json(401, {}), me('anna'));
    await session.ask();
    expect([session.me?.name, session.may('stop')]).toEqual(['anna', true]);
    expect(await session.renew()).toBe(true);
    expect(session.may('stop')).toBe(false);
    // Nothing is known by it.
    expect(await session.renew()).toBe(false);
    expect([session.me?.name, session.over, session.problem]).toEqual(['anna', false, null]);
    expect(await session.renew()).toBe(false);
    expect([session.me?.name, session.may('stop')]).toEqual(['boris', true]);
    // Several requests find at once that it has ended.
    expect(await Promise.all([session.renew(), session.renew()])).toEqual([false, false]);
    expect([session.me, session.over, session.known]).toEqual([null, true, true]);
    await session.renew();
    expect(session.over).toBe(true);
    await session.ask();
    expect([session.me?.name, session.over]).toEqual(['anna', false]);
  });
});
