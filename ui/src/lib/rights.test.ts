import { describe, expect, it } from 'vitest';
import { KINDS } from './order';
import { mayOrder } from './rights';

describe('who may give and lift which orders', () => {
  const kinds = (...permissions: string[]): string[] => KINDS.filter((kind) => mayOrder((asked) => permissions.includes(asked), kind));

  it('leaves the grid its own', () => {
    expect(kinds('site.read', 'order.grid')).toEqual(['dispatch', 'emergency']);
    expect(kinds('order', 'order.grid')).toEqual(KINDS);
    expect(kinds('site.read', 'stop')).toEqual([]);
  });

  it('says whether there is any', () => {
    expect(mayOrder((asked) => asked === 'order.grid')).toBe(true);
    expect(mayOrder((asked) => asked === 'stop')).toBe(false);
  });
});
