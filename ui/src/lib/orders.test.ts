import { describe, expect, it } from 'vitest';

import type { OrderView } from '../api/types';
import { giver, inForce } from './orders';

const order: OrderView = { id: 3, kind: 'wish', circuit: 'hall-1', limit_kw: 42.3, setpoint: false, mean_min: null, from: '2022-10-03T12:00:00.4Z', until: '2022-10-03T14:00:00Z' };
const deed = (why: string, rest = {}) => ({ seq: 1, at: order.from, who: 'anna', what: 'order', subject: 'hall-1', why, ...rest });

describe('orders', () => {
  it('are in force from their beginning until before their end', () => {
    expect(inForce([order], '2022-10-03T11:59:59Z')).toEqual([]);
    expect(inForce([order], '2022-10-03T12:30:00Z')).toEqual([order]);
    expect(inForce([order], '2022-10-03T14:00:00Z')).toEqual([]);
    expect(inForce([{ ...order, until: null }], '2030-01-01T00:00:00Z')).toHaveLength(1);
  });

  it('are told with who gave them, where the record has the same order', () => {
    const why = 'wish, at most 42.3 kW from 2022-10-03T12:00:00Z until 2022-10-03T14:00:00Z: fans: two are out';
    expect(giver(order, [deed(why)])).toEqual({ who: 'anna', why: 'fans: two are out' });
    expect(giver({ ...order, until: null }, [deed('wish, at most 42300000 mW from 2022-10-03T12:00:00.4Z until it is lifted')])).toEqual({ who: 'anna', why: '' });
    expect(giver(order, [deed(why, { subject: 'hall-2' }), deed(why.replace('42.3', '42.4')), deed(why.replace('T12', 'T11')), deed(why, { what: 'order lifted' }), deed('words of another kind')])).toBeNull();
  });
});
