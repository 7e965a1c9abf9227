import { describe, expect, it } from 'vitest';

import { basis } from './calendar';

const HALL = { id: 'hall-1', limit: { limit_kw: 100, source: 'rating', until: null }, block: null };
const NOTHING = { stops: [], lockouts: [], orders: [] };

describe('a calendar', () => {
  it('is read anew when what it follows from changes, and not when only the load or the glide does', () => {
    const now = basis(HALL, NOTHING);
    const others = [
      basis({ ...HALL, id: 'hall-2' }, NOTHING),
      basis({ ...HALL, limit: { ...HALL.limit, source: 'curtailment 3' } }, NOTHING),
      basis({ ...HALL, limit: { ...HALL.limit, until: '2022-10-03T18:00:00Z' } }, NOTHING),
      basis({ ...HALL, block: 'contract closed' }, NOTHING),
      basis(HALL, { ...NOTHING, stops: [{ circuit: 'grid', at: '2022-10-03T18:00:00Z', reason: 'smoke' }] }),
      basis(HALL, { ...NOTHING, lockouts: [{ circuit: 'hall-1', at: '2022-10-03T18:00:00Z', by: 'anna' }] }),
      basis(HALL, { ...NOTHING, orders: [{ id: 7 }] }),
      basis(undefined, null),
    ];
    expect(new Set([now, ...others]).size).toBe(others.length + 1);
    expect(basis({ ...HALL, limit: { ...HALL.limit, limit_kw: 90 } }, NOTHING)).toBe(now);
  });
});
