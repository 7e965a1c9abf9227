import { describe, expect, it } from 'vitest';

import { Attempt } from './attempt.svelte';

interface Answer {
  promise: Promise<unknown>;
  come: () => void;
  fail: (error: Error) => void;
}
function answer(): Answer {
  let [come, fail]: [() => void, (error: Error) => void] = [() => undefined, () => undefined];
  const promise = new Promise<void>((resolve, reject) => ([come, fail] = [resolve, reject]));
  return { promise, come: () => come(), fail: (error) => fail(error) };
}

describe('what is sent from a window', () => {
  it('is told in it, with what was sent, and once at a time', async () => {
    const attempt = new Attempt<string>();
    const first = answer();
    const sent = attempt.send('hall-1', () => first.promise, () => expect.unreachable());
    expect([attempt.sent, attempt.busy, attempt.done]).toEqual(['hall-1', true, false]);
    expect(await attempt.send('hall-2', () => expect.unreachable(), () => expect.unreachable())).toBe(false);
    first.come();
    expect(await sent).toBe(true);
    expect([attempt.sent, attempt.busy, attempt.done]).toEqual(['hall-1', false, true]);
  });
  it('is told as failed in it, and may be sent again', async () => {
    const attempt = new Attempt<string>();
    expect(await attempt.send('hall-1', () => Promise.reject(new Error('no')), () => expect.unreachable())).toBe(false);
    expect([attempt.sent, attempt.busy, attempt.done, String(attempt.problem)]).toEqual(['hall-1', false, false, 'Error: no']);
    expect(await attempt.send('hall-1', () => Promise.resolve(), () => expect.unreachable())).toBe(true);
    expect(attempt.problem).toBeNull();
  });
  it('touches no window that was opened after it, and is told outside', async () => {
    for (const fails of [false, true]) {
      const attempt = new Attempt<string>();
      const [old, now] = [answer(), answer()];
      const heard: [string, string][] = [];
      const before = attempt.send('hall-1', () => old.promise, (what, problem) => heard.push([what, String(problem)]));
      attempt.anew();
      const after = attempt.send('hall-2', () => now.promise, () => expect.unreachable());
      if (fails) old.fail(new Error('no'));
      else old.come();
      expect(await before).toBe(false);
      expect(heard).toEqual([['hall-1', fails ? 'Error: no' : 'null']]);
      expect([attempt.sent, attempt.busy, attempt.done, attempt.problem]).toEqual(['hall-2', true, false, null]);
      now.come();
      expect(await after).toBe(true);
    }
  });
});
