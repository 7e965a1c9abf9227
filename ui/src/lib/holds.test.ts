import { describe, expect, it } from 'vitest';

import type { HoldPreviewView, HoldView } from '../api/types-holds';
import { alike, heldOff, inPieces, quickEnds, together } from './holds';

const preview: HoldPreviewView = {
  machines: 2, before_kw: 100, after_kw: 94, stops: [['a', 'sleep'], ['b', 'cut']], off_already: [], left: [['c', 'observe only']],
  waiting: 3, takes_s: 10, cost_per_h: 2, cost: null, currency: 'KZT',
};

describe('machines held off', () => {
  it('go in pieces that one request takes', () => {
    expect(inPieces([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(inPieces([], 2)).toEqual([]);
  });
  it('are counted by the site for who may not see which they are', () => {
    expect(heldOff([], 200)).toBe(0);
    expect(heldOff(null, 200)).toBe(200);
    expect(heldOff(null, 0)).toBe(0);
    expect(heldOff(null, null)).toBeNull();
  });
  it('are seen together; what is not known of one is not known of all', () => {
    expect(together([])).toBeNull();
    const both = together([preview, { ...preview, machines: 1, after_kw: 97, stops: [['d', 'sleep']], takes_s: 30, cost: 7 }]);
    expect(both).toMatchObject({ machines: 3, after_kw: 91, waiting: 3, takes_s: 30, cost_per_h: 4, cost: null });
    expect(both?.stops.map(([id]) => id)).toEqual(['a', 'b', 'd']);
    expect(together([preview, { ...preview, cost_per_h: null }])?.cost_per_h).toBeNull();
  });
  it('are one line for each reason', () => {
    const hold = (machine: string, reason: string): HoldView => ({ machine, at: '2022-10-03T00:00:00Z', until: null, by: 'anna', reason });
    const groups = alike([hold('a', 'hot'), hold('b', 'new board'), hold('c', 'hot')]);
    expect(groups.map((group) => group.machines)).toEqual([['a', 'c'], ['b']]);
  });
  it('end at times of the site', () => {
    expect(quickEnds(Date.parse('2022-10-03T18:30:20Z'), 'Asia/Almaty')).toEqual({ hour: '2022-10-04T01:30', four: '2022-10-04T04:30', today: '2022-10-05T00:00', lifted: '' });
    expect(quickEnds(Date.parse('2022-12-31T12:00:00Z'), 'UTC').today).toBe('2023-01-01T00:00');
  });
});
