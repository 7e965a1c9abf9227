// Models by what they are, or when they stopped paying.
import type { LifeView } from '../../api/observatory';

export type Column = 'model' | 'release' | 'efficiency_j_per_th' | 'stopped' | 'shutdown_now_usd_per_kwh';

/** In order of a column; what is not known stands last either way. */
export function sorted(models: readonly LifeView[], column: Column, descending: boolean): LifeView[] {
  const sign = descending ? -1 : 1;
  return [...models].sort((a, b) => {
    const [one, other] = [a[column], b[column]];
    if (one === null || other === null) return one === other ? 0 : one === null ? 1 : -1;
    return sign * (typeof one === 'number' && typeof other === 'number' ? one - other : String(one).localeCompare(String(other)));
  });
}

/** When it stopped: `pays`, `never`, or the day. */
export function fate(life: LifeView): string {
  if (life.pays_now) return 'pays';
  return life.stopped ?? 'never';
}
