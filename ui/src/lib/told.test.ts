import { describe, expect, it } from 'vitest';

import { Refusal, Unreachable } from '../api/client';

import { instant } from './instant';
import { loaded, tell, Unloaded } from './told';

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('it threw nothing');
}

describe('what went wrong', () => {
  it('is that the site does not answer only where it did not', () => {
    expect(tell(new Unreachable(false, null), false).detail).toBe('The site does not answer.');
    const others = [
      new Refusal(400, 'x:wrong', 'that is no limit', 'give one'),
      new Error('The list has no column `position`.'),
      thrown(() => instant('soon', 'UTC')),
      thrown(() => JSON.parse('<html>')),
      new Unloaded(new TypeError('Failed to fetch dynamically imported module')),
      new TypeError(''),
      'something',
    ];
    for (const error of others) {
      const { detail, hint } = tell(error, true);
      expect(`${detail} ${hint ?? ''}`).not.toMatch(/does not answer|last orders/);
      expect(detail).not.toBe('');
    }
    expect(tell(others[1], false)).toEqual({ detail: 'The list has no column `position`.', hint: null });
    expect(tell(others[2], false).detail).toBe('not a time: soon');
    expect(tell(others[0], false)).toEqual({ detail: 'that is no limit', hint: 'give one' });
  });
  it('is told with what to do: a change may have been carried out, a page reads again by itself, another is loaded anew', () => {
    expect(tell(new Unreachable(true, null), true).hint).toMatch(/Whether it was carried out is not known/);
    expect(tell(new Unreachable(false, null), true).hint).toMatch(/tries again by itself/);
    expect(tell(new Unreachable(false, null), false).hint).toMatch(/Try again when it answers/);
    expect(tell(new Unloaded(null), false).hint).toMatch(/[Rr]eload/);
  });
  it('of a part of the pages is kept apart', async () => {
    await expect(loaded(Promise.resolve(7))).resolves.toBe(7);
    await expect(loaded(Promise.reject(new TypeError('no')))).rejects.toBeInstanceOf(Unloaded);
  });
});
