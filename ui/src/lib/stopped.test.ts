import { describe, expect, it } from 'vitest';

import type { CountsView, HallView, SiteView } from '../api/types';

import { byHand, come, loadThere } from './stopped';

const counts = (running: number, asleep: number): CountsView => ({ running, rising: 0, falling: 0, asleep, cut: 0, failed: 0, unknown: 0, total: running + asleep });
const hall = (id: string, authority: string, power_kw: number | null, running: number): HallView => ({
  id, authority, power_kw, metered: true, limit_kw: null, source: null, counts: counts(running, 100 - running), block: null, advice: null,
});
function site(power_kw: number | null, halls: HallView[], at = '2022-10-03T18:00:10Z'): SiteView {
  return { at, speed: 1, power_kw, power_age_s: 1, halls, counts: counts(0, 0) } as unknown as SiteView;
}
const PLAN = { after_kw: 20, takes_s: 25 };
const WHOLE = { circuit: null, since: '2022-10-03T18:00:00Z' };

describe('a stop', () => {
  it('is told as stopped when the meter has come down, and not when it was asked for', () => {
    const on = (kw: number | null, running: number): SiteView => site(kw, [hall('hall-1', 'control', kw, running)]);
    expect(come(on(300, 100), true, WHOLE, PLAN)).toBe('falling');
    // Machines say that they sleep, and the meter does not.
    expect(come(on(300, 0), true, WHOLE, PLAN)).toBe('falling');
    // The meter has come down nearly, and some still run.
    expect(come(on(21, 3), true, WHOLE, PLAN)).toBe('falling');
    expect(come(on(21, 0), true, WHOLE, PLAN)).toBe('down');
    expect(come(on(23, 0), true, WHOLE, PLAN)).toBe('falling');
    // What it should come down to was never worked out: nothing to hold the meter against.
    expect(come(on(21, 0), true, WHOLE, null)).toBe('falling');
    expect(come(on(21, 0), true, { circuit: 'hall-1', since: null }, PLAN)).toBe('down');
  });
  it('is not known where no meter speaks or nothing new is heard', () => {
    const view = site(null, [hall('hall-1', 'control', null, 0)]);
    expect(come(view, true, WHOLE, PLAN)).toBe('silent');
    expect(come(site(20, [hall('hall-1', 'control', 20, 0)]), false, WHOLE, PLAN)).toBe('silent');
    expect(come(null, true, WHOLE, PLAN)).toBe('silent');
    const old = { ...site(20, [hall('hall-1', 'control', 20, 0)]), power_age_s: 60 };
    expect(loadThere(old, null).kw).toBeNull();
    expect(come(old, true, WHOLE, PLAN)).toBe('silent');
  });
  it('is late when the load stays up for much longer than was worked out, by the time of the plant', () => {
    const after = (at: string, speed: number): SiteView => ({ ...site(300, [hall('hall-1', 'control', 300, 100)], at), speed });
    expect(come(after('2022-10-03T18:01:10Z', 1), true, WHOLE, PLAN)).toBe('falling');
    expect(come(after('2022-10-03T18:01:30Z', 1), true, WHOLE, PLAN)).toBe('late');
    expect(come(after('2022-10-03T18:01:30Z', 60), true, WHOLE, PLAN)).toBe('falling');
  });
  it('names the halls where nothing is sent, and is never done there', () => {
    const view = site(120, [hall('hall-1', 'control', 20, 0), hall('hall-2', 'observe', 100, 100)]);
    expect(byHand(view, null)).toEqual(['hall-2']);
    expect(byHand(view, 'hall-1')).toEqual([]);
    expect(byHand(null, null)).toEqual([]);
    // Down to what was worked out, which the watched hall goes on drawing.
    expect(come(view, true, WHOLE, { after_kw: 120, takes_s: 25 })).toBe('part');
    expect(come(view, true, { ...WHOLE, circuit: 'hall-1' }, PLAN)).toBe('down');
    expect(come(view, true, { ...WHOLE, circuit: 'hall-2' }, { after_kw: 100, takes_s: 25 })).toBe('watched');
    expect(come(site(100, [hall('hall-2', 'observe', 1, 0)]), true, WHOLE, PLAN)).toBe('watched');
  });
  it('says whether a meter tells the load', () => {
    const view = site(50, [{ ...hall('hall-1', 'control', 20, 0), metered: false }]);
    expect(loadThere(view, 'hall-1')).toEqual({ kw: 20, metered: false });
    expect(loadThere(view, 'nowhere').kw).toBeNull();
    expect(loadThere(view, null)).toEqual({ kw: 50, metered: true });
  });
});
