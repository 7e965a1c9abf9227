// The estimates that stand side by side, each by itself: they answer different questions and are never merged.
import type { MethodAsked } from '../../api/observatory';

export type MethodKey = 'cbeci14' | 'cbeci12' | 'parity' | 'digiconomist' | 'offpeak';

export interface Shown {
  key: MethodKey;
  asked: MethodAsked;
  /** Whether one price is its assumption, which the slider moves. */
  priced: boolean;
  colour: string;
  dash?: number[];
}

export const METHODS: readonly Shown[] = [
  { key: 'cbeci14', asked: { method: 'cbeci', revision: '1.4' }, priced: true, colour: '--series-power' },
  { key: 'cbeci12', asked: { method: 'cbeci', revision: '1.2' }, priced: true, colour: '--series-limit', dash: [8, 4] },
  { key: 'parity', asked: { method: 'cbeci', revision: '1.4', parity: true }, priced: true, colour: '--text', dash: [2, 3] },
  { key: 'digiconomist', asked: { method: 'digiconomist' }, priced: false, colour: '--series-third', dash: [12, 3, 2, 3] },
  { key: 'offpeak', asked: { method: 'offpeak' }, priced: false, colour: '--good', dash: [4, 2] },
];

/** The price that everybody pays unless somebody moves it, USD/kWh: Cambridge's. */
export const PRICE = 0.05;
