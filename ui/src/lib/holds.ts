// Machines that somebody holds off: in pieces that one request takes, and together where they are held alike.
import type { HoldPreviewView, HoldView } from '../api/types-holds';

import { civil } from './format';

/** Machines that the site takes at once. */
export const HELD_AT_ONCE = 500;

export function inPieces<T>(all: readonly T[], most: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / most) }, (_, n) => all.slice(n * most, (n + 1) * most));
}

/** Previews of pieces as one. What is not known of one of them is not known of all. */
export function together(previews: HoldPreviewView[]): HoldPreviewView | null {
  const [first, ...rest] = previews;
  if (first === undefined) return null;
  const sum = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b);
  return rest.reduce(
    (all, one) => ({
      ...all,
      machines: all.machines + one.machines,
      after_kw: all.after_kw - (one.before_kw - one.after_kw),
      stops: [...all.stops, ...one.stops],
      off_already: [...all.off_already, ...one.off_already],
      left: [...all.left, ...one.left],
      takes_s: Math.max(all.takes_s, one.takes_s),
      cost_per_h: sum(all.cost_per_h, one.cost_per_h),
      cost: sum(all.cost, one.cost),
    }),
    first,
  );
}

/** How many machines are held off: as they are listed for who may see them, else as the site counts them; null where neither is known. */
export function heldOff(listed: readonly HoldView[] | null, counted: number | null): number | null {
  return listed?.length ?? counted;
}

/** Machines held by one person at one time for one reason. */
export interface Group {
  key: string;
  machines: string[];
  at: string;
  until: string | null;
  by: string | null;
  reason: string | null;
}

export function alike(holds: HoldView[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { machine, at, until, by, reason } of holds) {
    const key = JSON.stringify([at, until, by, reason]);
    const group = groups.get(key) ?? { key, machines: [], at, until, by, reason };
    group.machines.push(machine);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Ends of a hold that are offered, as a field for a time takes them; without an end it lasts until it is lifted. */
export function quickEnds(now: number, timeZone: string): Record<'hour' | 'four' | 'today' | 'lifted', string> {
  const clock = civil(timeZone);
  const local = (at: number): string => `${clock.date(at)}T${clock.time(at)}`;
  const tomorrow = new Date(Date.parse(`${clock.date(now)}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  return { hour: local(now + 3_600_000), four: local(now + 4 * 3_600_000), today: `${tomorrow}T00:00`, lifted: '' };
}
