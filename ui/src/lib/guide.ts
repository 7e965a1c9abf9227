// How far a new site has come, worked out from what it shows of itself: nothing is ticked off by hand.
import type { SiteView } from '../api/types';

export type Step = 'machines' | 'meter' | 'limits' | 'dry' | 'authority';
export type Progress = 'done' | 'now' | 'later';

/** From this share of machines heard the rest is repair, not set-up. */
const HEARD = 0.95;
/** A meter's word older than this is stale, as the dispatch counts it. */
const METER_STALE_S = 10;

/** What each step lacks; the first that lacks something is the one to do now. */
export function progress(view: SiteView): Record<Step, Progress> {
  const heard = view.counts.total - view.counts.unknown;
  const observed = view.halls.filter((hall) => hall.authority !== 'control');
  const held: [Step, boolean][] = [
    ['machines', view.counts.total > 0 && heard >= view.counts.total * HEARD],
    ['meter', view.power_kw !== null && (view.power_age_s ?? Infinity) <= METER_STALE_S * Math.max(1, view.speed)],
    ['limits', view.limit !== null],
    // What would be done is shown for halls that are only observed: once none is, this lies behind.
    ['dry', observed.length === 0 || observed.some((hall) => hall.advice !== null)],
    ['authority', observed.length === 0],
  ];
  const first = held.findIndex(([, holds]) => !holds);
  return Object.fromEntries(held.map(([step, holds], n) => [step, holds ? 'done' : n === first ? 'now' : 'later'])) as Record<Step, Progress>;
}
