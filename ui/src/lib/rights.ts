// What follows from permissions. The site decides; this only keeps away what would be refused.

import type { Page } from './route';

/** What a page needs of who opens it: one of these. Where a page is not named, being signed in is enough. */
const NEEDS: Partial<Record<Page, readonly string[]>> = {
  now: ['site.read'],
  floor: ['machines.read'],
  machines: ['machines.read', 'machines.read.own'],
  machine: ['machines.read', 'machines.read.own'],
  power: ['site.read'],
  alerts: ['alerts.read'],
  people: ['people.read'],
  guide: ['site.read'],
  scan: ['scan'],
};

/** Whether somebody may open a page. Reports are of the whole site, or of the machines of an owner, who then is somebody. */
export function mayOpen(may: (permission: string) => boolean, owner: string | null, page: Page): boolean {
  if (page === 'records') return may('records.read') || (owner !== null && may('machines.read.own'));
  return NEEDS[page]?.some(may) ?? true;
}

/** Orders that come from the grid, as in the site's own table. */
const OF_GRID: readonly string[] = ['emergency', 'dispatch'];

/** Whether somebody may give and lift orders of a kind; without one, of any kind at all. */
export function mayOrder(may: (permission: string) => boolean, kind?: string): boolean {
  return may('order') || (may('order.grid') && (kind === undefined || OF_GRID.includes(kind)));
}
