import { afterEach, describe, expect, it, vi } from 'vitest';

import { api, ask, keepSession, Refusal, reworded, Unreachable, watchAnswers } from './client';
import type { Me } from './types';

function answers(...with_: (Response | Error)[]): boolean[] {
  const heard: boolean[] = [];
  watchAnswers((answered) => heard.push(answered));
  vi.stubGlobal('fetch', vi.fn(() => {
    const next = with_.shift();
    return next instanceof Response ? Promise.resolve(next) : Promise.reject(next ?? new TypeError('no more'));
  }));
  return heard;
}
const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json' } });

afterEach(() => {
  vi.unstubAllGlobals();
  watchAnswers(() => undefined);
  keepSession({ ended: () => undefined, renewed: () => Promise.resolve(false) });
});

/** What was sent as the session's word, by each request that was made. */
const words = (): (string | undefined)[] => vi.mocked(fetch).mock.calls.map(([, init]) => (init?.headers as Record<string, string>)['x-csrf-token']);
const me = (csrf: string): Me => ({ name: 'anna', csrf }) as Me;
const FORGED = { type: 'urn:x:forged', detail: 'not its word' };

describe('a session', () => {
  it('whose word has changed is asked for it, and what was refused is sent once more', async () => {
    answers(json(403, FORGED), json(200, { done: 'stopped' }));
    api.actAs(me('old'));
    const renewed = (): Promise<boolean> => {
      api.actAs(me('new'));
      return Promise.resolve(true);
    };
    keepSession({ ended: () => expect.unreachable(), renewed });
    await expect(api.stop(null, 'smoke', 'key')).resolves.toEqual({ done: 'stopped' });
    expect(words()).toEqual(['old', 'new']);
    // Once, and not for ever.
    answers(json(403, FORGED), json(403, FORGED));
    await expect(api.stop(null, 'smoke', 'key')).rejects.toMatchObject({ status: 403 });
    expect(words().length).toBe(2);
  });
  it("that is somebody else's by now changes nothing in their name", async () => {
    answers(json(403, FORGED));
    keepSession({ ended: () => expect.unreachable(), renewed: () => Promise.resolve(false) });
    await expect(api.stop(null, 'smoke', 'key')).rejects.toThrow('nothing was carried out');
    expect(words().length).toBe(1);
  });
  it('that has ended is noticed by any answer, but not by a wrong password', async () => {
    let ended = 0;
    keepSession({ ended: () => ended++, renewed: () => Promise.resolve(false) });
    const unknown = (): Response => json(401, { type: 'urn:x:unknown-caller', detail: 'it is not known who asks' });
    answers(unknown(), unknown(), unknown(), json(401, { type: 'urn:x:wrong-password', detail: 'wrong' }));
    await expect(api.circuits()).rejects.toMatchObject({ status: 401 });
    await expect(api.siteFile()).rejects.toMatchObject({ status: 401 });
    expect(ended).toBe(2);
    // Who asks for that hears it themselves.
    await expect(api.me()).rejects.toMatchObject({ status: 401 });
    await expect(api.signIn('anna', 'x')).rejects.toMatchObject({ status: 401 });
    expect(ended).toBe(2);
  });
});

describe('a site that does not answer', () => {
  it('is told apart: something was to be changed, or only read', async () => {
    const heard = answers(new TypeError('failed'), new TypeError('failed'), new TypeError('failed'));
    await expect(ask('/circuits')).rejects.toMatchObject({ name: 'Unreachable', change: false });
    await expect(api.stop(null, 'smoke', 'key')).rejects.toMatchObject({ name: 'Unreachable', change: true });
    // What is only judged changes nothing.
    await expect(api.checkSite('')).rejects.toMatchObject({ name: 'Unreachable', change: false });
    expect(heard).toEqual([false, false, false]);
  });
  it('is one that a gateway does not reach, and not one that refuses', async () => {
    const heard = answers(new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'content-type': 'text/html' } }), json(503, { type: 'x:busy', detail: 'later' }));
    await expect(ask('/circuits')).rejects.toBeInstanceOf(Unreachable);
    await expect(ask('/circuits')).rejects.toBeInstanceOf(Refusal);
    expect(heard).toEqual([false, true]);
  });
  it('is not one whose answer nobody waits for', async () => {
    const heard = answers(new DOMException('given up', 'AbortError'), new DOMException('too late', 'TimeoutError'));
    await expect(ask('/circuits')).rejects.toMatchObject({ name: 'AbortError' });
    await expect(ask('/circuits')).rejects.toBeInstanceOf(Unreachable);
    expect(heard).toEqual([false]);
  });
});

describe('a refusal', () => {
  it('is told in other words where it is of that kind', () => {
    const refusal = new Refusal(401, 'urn:x:wrong-password', 'the name or the password is wrong', 'ask');
    expect(reworded(refusal, 'wrong-password', 'the password is wrong', 'look')).toMatchObject({ status: 401, message: 'the password is wrong', hint: 'look' });
    expect(reworded(refusal, 'wrong-password', null, 'look')).toMatchObject({ message: refusal.message, hint: 'look' });
    expect(reworded(refusal, 'password', null, 'look')).toBe(refusal);
    expect(reworded('else', 'password', null, 'look')).toBe('else');
  });
});
