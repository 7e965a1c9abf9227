// The day's money: what is in none of its sums, so that a part of a day is not taken for the whole.
import type { MoneyView } from '../api/types';

export interface Gap {
  /** Not metered: in neither energy nor money. Not priced: in the energy, in no money. */
  what: 'unmetered' | 'unpriced';
  seconds: number;
}

/** Stretches of the day that its margin lacks. */
export function gaps(money: Pick<MoneyView, 'unmetered_s' | 'unpriced_s'>): Gap[] {
  const all: Gap[] = [
    { what: 'unmetered', seconds: money.unmetered_s },
    { what: 'unpriced', seconds: money.unpriced_s },
  ];
  return all.filter(({ seconds }) => seconds >= 1);
}
