import { describe, expect, it } from 'vitest';

import type { OrderView } from '../api/types';
import { inForce, isAnnounced } from './orders';

const order: OrderView = { id: 3, kind: 'wish', circuit: 'hall-1', limit_kw: 42.3, setpoint: false, mean_min: null, from: '2022-10-03T12:00:00.4Z', until: '2022-10-03T14:00:00Z', by: 'anna', reason: 'two fans are out' };

describe('orders', () => {
  it('are in force from their beginning until before their end', () => {
    expect(inForce([order], '2022-10-03T11:59:59Z')).toEqual([]);
    expect(inForce([order], '2022-10-03T12:30:00Z')).toEqual([order]);
    expect(inForce([order], '2022-10-03T14:00:00Z')).toEqual([]);
    expect(inForce([{ ...order, until: null }], '2030-01-01T00:00:00Z')).toHaveLength(1);
  });
  it('are announced where they are given for later', () => {
    const typed = '2022-10-03T12:00:00.000Z';
    expect(isAnnounced(order, typed, '2022-10-02T12:00:00Z')).toBe(true);
    expect(isAnnounced(order, typed, '2022-10-03T12:00:01Z')).toBe(false);
    expect(isAnnounced(order, undefined, '2022-10-03T11:59:59Z')).toBe(false);
  });
});
