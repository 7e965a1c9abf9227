// An order in the words that the site reads: `hall-3 to 150000 W at 2022-10-03T12:00:00.000Z until …`.
import type { PreviewView } from '../api/types';

/** Whose an order is, which is its place in the precedence. */
export const KINDS = ['wish', 'dispatch', 'emergency', 'maintenance'] as const;
export type OrderKind = (typeof KINDS)[number];

/** A limit that somebody orders or thinks of ordering. */
export interface Proposal {
  circuit: string;
  limit_kw: number;
  /** As RFC 3339; without it from now on. */
  from?: string;
  /** As RFC 3339; without it until it is lifted. */
  until?: string;
  /** How many minutes it holds, instead of until when. */
  minutes?: number;
}

/** Kilowatts as somebody types them; null for what is no limit. `1,500` may be meant as either of two numbers, and is none. */
export function kilowatts(text: string): number | null {
  const typed = text.trim();
  if (!/^\d+([.,]\d*)?$/.test(typed) || /^\d{1,3},\d{3}$/.test(typed)) return null;
  return Number(typed.replace(',', '.'));
}

/** Whether something else allows less than what is to be ordered, so that the order would change nothing as long as it does. */
export function changesNothing(preview: Pick<PreviewView, 'order' | 'binds'>): boolean {
  return preview.binds !== null && preview.binds.limit_kw < preview.order.limit_kw;
}

/** Hours as somebody types them, in whole minutes; null for what is no length of an order. */
export function minutesOf(hours: string): number | null {
  const minutes = Math.round(Number(hours.trim().replace(',', '.')) * 60);
  return hours.trim() !== '' && minutes >= 1 && minutes <= 366 * 1_440 ? minutes : null;
}

/** To the watt, so that no number is written with an exponent. */
export function words({ circuit, limit_kw, from, until, minutes }: Proposal): string {
  const at = from === undefined ? '' : ` at ${from}`;
  const ends = minutes !== undefined ? ` for ${minutes} min` : until === undefined ? '' : ` until ${until}`;
  return `${circuit} to ${Math.round(limit_kw * 1_000)} W${at}${ends}`;
}
