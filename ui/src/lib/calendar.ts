// The envelope as a calendar: for each of the site's days, stretches of one limit.
import type { CircuitView, DirectivesView, OrderView, SpanView } from '../api/types';
import { civil } from './format';

export interface Stretch {
  /** Shares of the day, 0 to 1. */
  left: number;
  width: number;
  from: string;
  until: string;
  limit: number | null;
  source: string;
  /** How high the limit is, of the highest in the calendar. */
  share: number;
}

export interface Day {
  date: string;
  name: string;
  stretches: Stretch[];
}

const MINUTES = 1_440;

/** Cuts spans at the site's midnights. Days of 23 or 25 hours are drawn as 24. */
export function days(spans: readonly SpanView[], timeZone: string): Day[] {
  const clock = civil(timeZone);
  const most = Math.max(1, ...spans.map((span) => span.limit_kw ?? 0));
  const list: Day[] = [];
  const put = (from: number, until: number, span: SpanView): void => {
    const date = clock.date(from);
    let day = list.at(-1);
    if (day?.date !== date) {
      day = { date, name: clock.day(from), stretches: [] };
      list.push(day);
    }
    const left = clock.minuteOfDay(from) / MINUTES;
    const end = clock.date(until) === date ? clock.minuteOfDay(until) / MINUTES : 1;
    day.stretches.push({
      left,
      width: Math.max(0, end - left),
      from: new Date(from).toISOString(),
      until: new Date(until).toISOString(),
      limit: span.limit_kw,
      source: span.source ?? span.block ?? '',
      share: (span.limit_kw ?? most) / most,
    });
  };
  for (const span of spans) {
    let from = Date.parse(span.from);
    const until = Date.parse(span.until);
    // Each round ends at a midnight, and a span has at most so many as it has days and one.
    while (from < until) {
      const next = Math.min(until, midnightAfter(from, clock.minuteOfDay, clock.date));
      put(from, next, span);
      from = next;
    }
  }
  return list;
}

/** A stretch shorter than this is a step of a way down or up. */
const STEP_MS = 30 * 60_000;
const lasts = (stretch: Stretch): number => Date.parse(stretch.until) - Date.parse(stretch.from);
const height = (stretch: Stretch | undefined): number => (stretch === undefined ? -1 : (stretch.limit ?? Infinity));

/** Stretches of the same limit by the same source as one. */
export function joined(stretches: readonly Stretch[]): Stretch[] {
  const list: Stretch[] = [];
  for (const stretch of stretches) {
    const last = list.at(-1);
    if (last && last.until === stretch.from && last.limit === stretch.limit && last.source === stretch.source) list[list.length - 1] = { ...last, until: stretch.until };
    else list.push(stretch);
  }
  return list;
}

/** A day in few words: the steps of a way down or up go to the lower of what is before and after them, so that no more is told
    than is allowed. Steps below both stay, as one. */
export function brief(stretches: readonly Stretch[]): Stretch[] {
  const all = joined(stretches);
  const list: Stretch[] = [];
  for (let n = 0; n < all.length; ) {
    const steps: Stretch[] = [];
    for (let step = all[n]; step !== undefined && lasts(step) < STEP_MS; step = all[n]) {
      steps.push(step);
      n++;
    }
    const [before, after] = [list.at(-1), all[n]];
    if (after) n++;
    const lowest = steps.reduce<Stretch | undefined>((low, step) => (low === undefined || height(step) < height(low) ? step : low), undefined);
    const [from, until] = [steps[0]?.from ?? '', steps.at(-1)?.until ?? ''];
    let begins = after?.from ?? '';
    if (lowest) {
      const isBefore = before !== undefined && height(before) <= height(lowest);
      const isAfter = after !== undefined && height(after) <= height(lowest);
      if (isAfter && (!isBefore || height(after) <= height(before))) begins = from;
      else if (isBefore) list[list.length - 1] = { ...before, until };
      else list.push({ ...lowest, from, until });
    }
    if (after) list.push({ ...after, from: begins });
  }
  return joined(list);
}

/** The site's next midnight: civil minutes on, mended where the clocks changed on the way. */
function midnightAfter(at: number, minuteOfDay: (at: number) => number, date: (at: number) => string): number {
  const floor = Math.floor(at / 60_000) * 60_000;
  let next = floor + (MINUTES - minuteOfDay(at)) * 60_000;
  const off = minuteOfDay(next);
  if (off !== 0) next += (off > MINUTES / 2 ? MINUTES - off : -off) * 60_000;
  return next > at && date(next) !== date(at) ? next : at + MINUTES * 60_000;
}

/** What a circuit's calendar follows from, as far as it is told: the calendar is read anew when this changes. */
export function basis(
  circuit: Pick<CircuitView, 'id' | 'limit' | 'block'> | undefined,
  directives: Pick<DirectivesView, 'stops' | 'lockouts'> & { orders: Pick<OrderView, 'id'>[] } | null,
): string {
  return JSON.stringify([
    circuit?.id,
    [circuit?.limit?.source, circuit?.limit?.until, circuit?.block],
    directives?.stops.map(({ circuit, at }) => [circuit, at]),
    directives?.lockouts.map(({ circuit, at, by }) => [circuit, at, by]),
    directives?.orders.map(({ id }) => id),
  ]);
}
