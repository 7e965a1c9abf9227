import { describe, expect, it } from 'vitest';

import { Run } from './run.svelte';

/** Work that is over when it is said to be. */
function byHand(): { work: (target: string) => Promise<void>; begun: string[]; finish: (error?: Error) => Promise<void> } {
  const begun: string[] = [];
  let settle: ((error?: Error) => void) | undefined;
  const work = (target: string): Promise<void> => {
    begun.push(target);
    return new Promise((resolve, reject) => (settle = (error) => (error ? reject(error) : resolve())));
  };
  const finish = async (error?: Error): Promise<void> => {
    settle?.(error);
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { work, begun, finish };
}

describe('a run over many', () => {
  it('does what it was begun with to those it was begun with, whatever changes meanwhile', async () => {
    const targets = ['a', 'b'];
    const run = new Run(targets);
    const { work, begun, finish } = byHand();
    const over = run.go(work);
    targets.push('c');
    // A second press begins nothing.
    await run.go(() => Promise.reject(new Error('another work')));
    await finish();
    expect([run.done, run.busy, run.through]).toEqual([1, true, false]);
    await finish();
    await over;
    expect([run.done, run.busy, run.through, run.problem]).toEqual([2, false, true, null]);
    expect(begun).toEqual(['a', 'b']);
  });
  it('begins nothing more once it is ended, and counts what was under way', async () => {
    const run = new Run(['a', 'b', 'c']);
    const { work, begun, finish } = byHand();
    const over = run.go(work);
    run.end();
    await finish();
    await over;
    expect([run.done, run.ended, run.through]).toEqual([1, true, false]);
    expect(begun).toEqual(['a']);
  });
  it('goes on where it failed, and not from the beginning', async () => {
    const run = new Run(['a', 'b', 'c']);
    const { work, begun, finish } = byHand();
    const first = run.go(work);
    await finish();
    await finish(new Error('refused'));
    await first;
    expect([run.done, run.busy, String(run.problem)]).toEqual([1, false, 'Error: refused']);
    const second = run.go(work);
    expect([run.problem, run.ended]).toEqual([null, false]);
    await finish();
    await finish();
    await second;
    expect(run.through).toBe(true);
    expect(begun).toEqual(['a', 'b', 'b', 'c']);
  });
  it('that is ended when nothing is under way is as it was', () => {
    const run = new Run(['a']);
    run.end();
    expect([run.ended, run.done]).toEqual([false, 0]);
  });
});
