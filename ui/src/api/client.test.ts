import { afterEach, describe, expect, it, vi } from 'vitest';

import { api, ask, Refusal, reworded, Unreachable, watchAnswers } from './client';

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
