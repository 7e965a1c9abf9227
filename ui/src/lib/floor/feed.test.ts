import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { FloorView, StatesView } from '../../api/types';

import { caughtUp, Feed } from './feed.svelte';

const floor = (...id: string[]): FloorView => ({ circuits: [], models: [], owners: [], id, circuit: [], model: [], owner: [] });
const states = (second: number, state: string): StatesView => ({ at: at(second), state });
const at = (second: number): string => `2022-10-03T18:00:${String(second).padStart(2, '0')}Z`;

type Asked<T> = ((answer: T | Error) => Promise<void>)[];
/** A site that answers when it is told to. */
function site(): { feed: Feed; floors: Asked<FloorView>; columns: Asked<StatesView> } {
  const [floors, columns]: [Asked<FloorView>, Asked<StatesView>] = [[], []];
  const wait = <T>(list: Asked<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      list.push(async (answer) => {
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
        await vi.advanceTimersByTimeAsync(0);
      });
    });
  return { feed: new Feed({ floor: () => wait(floors), states: () => wait(columns) }), floors, columns };
}
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the floor', () => {
  it('shows letters of the places that they are of, also after another site file', async () => {
    const { feed, floors, columns } = site();
    feed.anew();
    await floors[0]?.(floor('a', 'b'));
    await columns[0]?.(states(0, 'rs'));
    expect([feed.floor?.id, feed.states?.state]).toEqual([['a', 'b'], 'rs']);
    feed.anew();
    // Of the new order, which is not known yet: the old places keep their old letters.
    feed.take({ at: at(5), changed: [[0, 'f']] });
    expect([feed.floor?.id, feed.states?.state]).toEqual([['a', 'b'], 'rs']);
    await columns[1]?.(states(4, 'ssr'));
    await floors[1]?.(floor('c', 'a', 'b'));
    expect([feed.floor?.id, feed.states?.state]).toEqual([['c', 'a', 'b'], 'fsr']);
  });
  it('is the same object while it is the same, so that one looks where one looked', async () => {
    const { feed, floors, columns } = site();
    feed.anew();
    await floors[0]?.(floor('a'));
    await columns[0]?.(states(0, 'r'));
    const before = feed.floor;
    feed.anew();
    await floors[1]?.(floor('a'));
    await columns[1]?.(states(1, 's'));
    expect(feed.floor).toBe(before);
    expect(feed.states?.state).toBe('s');
  });
  it('is asked for again after a failure, and when places and states are of two starts', async () => {
    const { feed, floors, columns } = site();
    feed.anew();
    await floors[0]?.(new Error('no'));
    expect([feed.floor, String(feed.problem)]).toEqual([null, 'Error: no']);
    await vi.advanceTimersByTimeAsync(2_000);
    expect([floors.length, columns.length]).toEqual([2, 2]);
    await floors[1]?.(floor('a', 'b'));
    await columns[1]?.(states(0, 'r'));
    expect([feed.floor, feed.states, String(feed.problem)]).toEqual([null, null, 'RangeError: 2 places, but states of 1']);
    await vi.advanceTimersByTimeAsync(2_000);
    await floors[2]?.(floor('a', 'b'));
    await columns[2]?.(states(0, 'rr'));
    expect([feed.states?.state, feed.problem]).toEqual(['rr', null]);
    // The places are known: only how the machines are is read.
    feed.values(false);
    feed.values(false);
    expect([floors.length, columns.length]).toEqual([3, 4]);
    feed.stop();
    await columns[3]?.(states(1, 'ss'));
    expect(feed.states?.state).toBe('rr');
  });
  it('is not set back by an answer that is older than what the stream has told', async () => {
    const { feed, floors, columns } = site();
    feed.anew();
    await floors[0]?.(floor('a', 'b', 'c'));
    await columns[0]?.(states(0, 'rrr'));
    feed.take({ at: at(3), changed: [[0, 's']] });
    feed.values(false);
    feed.take({ at: at(4), changed: [[1, 's']] });
    expect(feed.states?.state).toBe('ssr');
    await columns[1]?.({ ...states(2, 'rrf'), age_s: [1, 1, 1] });
    expect(feed.states).toMatchObject({ state: 'ssf', age_s: [1, 1, 1] });
  });
  it('shows the columns that are wanted now, whichever answer comes last', async () => {
    const { feed, floors, columns } = site();
    feed.anew();
    feed.values(true);
    await floors[1]?.(floor('a'));
    await columns[1]?.({ ...states(1, 'r'), age_s: [7] });
    await floors[0]?.(floor('a'));
    await columns[0]?.(states(0, 's'));
    expect(feed.states).toMatchObject({ state: 'r', age_s: [7] });
  });
  it('takes of what was told only what the states do not know', () => {
    const news = [{ at: at(1), changed: [[0, 's']] as const }, { at: at(3), changed: [[0, 'f']] as const }];
    expect(caughtUp(states(2, 'r'), news).state).toBe('f');
    expect(caughtUp(states(4, 'r'), news).state).toBe('r');
  });
});
