// The one sentence of Now: is the mine inside its power?
import type { SiteView } from '../api/types';

export type Standing = 'unknown' | 'above' | 'closing' | 'near' | 'inside' | 'resting' | 'blocked';

/** Nearer to its limit than this share is near. The dispatch keeps about half a percent. */
const NEAR = 0.995;

/** A meter's word older than this, in plant seconds at the speed of the clock, says nothing of now. */
const METER_STALE_S = 10;

/** Whether the revenue meter says nothing of now. */
export function meterIsSilent(view: SiteView): boolean {
  return view.power_kw === null || (view.power_age_s ?? Infinity) > METER_STALE_S * Math.max(1, view.speed);
}

/** How the measured power stands to what is allowed. A silent meter is never inside, nor is what nobody has told for a while. */
export function standing(view: SiteView, live = true): Standing {
  if (!live || view.power_kw === null || view.limit === null || meterIsSilent(view)) return 'unknown';
  if (view.power_kw > view.limit.limit_kw) {
    // A stop allows nothing; what sleepers and the house draw remains, and nobody need do anything about it.
    if (view.block !== null && view.limit.limit_kw === 0 && allOff(view)) return 'blocked';
    // Before a window closes the limit glides down and the load follows its line.
    return view.limit.source.includes('closing') ? 'closing' : 'above';
  }
  // Outside its window a mine rests: that is no stop, and nobody need do anything.
  if (view.block !== null) return view.block.startsWith('contract') ? 'resting' : 'blocked';
  return view.power_kw > view.limit.limit_kw * NEAR ? 'near' : 'inside';
}

/** Whether every machine is known to sleep, to be cut or to have failed. */
function allOff({ counts }: SiteView): boolean {
  return counts.running + counts.rising + counts.falling + counts.unknown === 0;
}
