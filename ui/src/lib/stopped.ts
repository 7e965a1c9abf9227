// How far an emergency stop has come: by what is measured, and not by that it was asked for.
import type { HallView, PreviewView, SiteView } from '../api/types';
import { meterIsSilent } from './standing';

/** Above what was worked out the measured load may be so much and still have come down: the site's own rule, and a meter's step. */
const LEFT_MORE = 1.05;
const STEP_KW = 1;
/** A machine in twenty takes longer than was worked out, and a meter tells it later still. */
const LATE = 2;
const LATE_S = 30;

/** Where the stop is, and since when; `circuit` is null for the whole site. */
export interface Stop {
  circuit: string | null;
  since: string | null;
}

function halls(view: SiteView, circuit: string | null): HallView[] {
  return circuit === null ? view.halls : view.halls.filter((hall) => hall.id === circuit);
}

/** Halls where a stop sends nothing, because the site is only watched there. */
export function byHand(view: SiteView | null, circuit: string | null): string[] {
  return view === null ? [] : halls(view, circuit).filter((hall) => hall.authority !== 'control').map((hall) => hall.id);
}

/** What is drawn there, and whether a meter says so. */
export function loadThere(view: SiteView | null, circuit: string | null): { kw: number | null; metered: boolean } {
  if (view === null) return { kw: null, metered: true };
  if (circuit === null) return { kw: meterIsSilent(view) ? null : view.power_kw, metered: true };
  const hall = view.halls.find((one) => one.id === circuit);
  return { kw: hall?.power_kw ?? null, metered: hall?.metered ?? true };
}

/**
 * `watched`: nothing is sent anywhere there. `silent`: what is drawn is not known. `falling`: it has not come down yet; `late`: and
 * should have. `part`: it has, where something is sent. `down`: it has, everywhere.
 */
export type Come = 'watched' | 'silent' | 'falling' | 'late' | 'part' | 'down';

export function come(view: SiteView | null, live: boolean, stop: Stop, plan: Pick<PreviewView, 'after_kw' | 'takes_s'> | null): Come {
  if (view === null) return 'silent';
  const there = halls(view, stop.circuit);
  const alone = byHand(view, stop.circuit);
  if (there.length > 0 && alone.length === there.length) return 'watched';
  const { kw } = loadThere(view, stop.circuit);
  if (!live || kw === null) return 'silent';
  const counts = there.length === 0 ? [view.counts] : there.filter((hall) => !alone.includes(hall.id)).map((hall) => hall.counts);
  const isOn = counts.some(({ running, rising, falling }) => running + rising + falling > 0);
  if (plan !== null && !isOn && kw <= plan.after_kw * LEFT_MORE + STEP_KW) return alone.length > 0 ? 'part' : 'down';
  if (plan === null || stop.since === null) return 'falling';
  const passed = (Date.parse(view.at) - Date.parse(stop.since)) / 1_000;
  return passed > plan.takes_s * LATE + LATE_S * Math.max(1, view.speed) ? 'late' : 'falling';
}
