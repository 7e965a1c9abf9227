import { describe, expect, it } from 'vitest';
import { KINDS } from './order';
import { mayOpen, mayOrder } from './rights';
import type { Page } from './route';

describe('who may open which page', () => {
  const PAGES: Page[] = ['now', 'floor', 'machines', 'machine', 'power', 'alerts', 'records', 'people', 'guide', 'scan', 'settings', 'observatory'];
  const pages = (owner: string | null, ...permissions: string[]): string => PAGES.filter((page) => mayOpen((asked) => permissions.includes(asked), owner, page)).join(' ');

  it('is what the site answers to them', () => {
    expect(pages(null, 'site.read', 'order.grid', 'records.read')).toBe('now power records guide settings observatory');
    expect(pages('customer-a', 'machines.read.own')).toBe('machines machine records settings observatory');
    // Reports of the whole site need more than to see every machine.
    expect(pages(null, 'site.read', 'machines.read', 'machines.read.own', 'alerts.read', 'scan')).toBe('now floor machines machine power alerts guide scan settings observatory');
    expect(pages(null)).toBe('settings observatory');
  });
});

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
