// Which colour each machine's cell has, by what is looked at.
import type { FloorView, StatesView } from '../../api/types';
import { cividis, OWNERS } from '../colour';
import { efficiency, duration, temperature } from '../format';
import { LETTERS, STATES, type State } from '../states';
import { NOTHING, pixel, type Pixel } from './paint';

export const LOOKS = ['state', 'temperature', 'efficiency', 'owner', 'age'] as const;
export type Look = (typeof LOOKS)[number];

/** A scale from one value to another. */
export interface Scale {
  from: number;
  to: number;
  words: (value: number) => string;
}

/** Fixed ends, so that a colour means the same today and tomorrow. */
export const SCALES: Record<'temperature' | 'efficiency' | 'age', Scale> = {
  temperature: { from: 20, to: 90, words: temperature },
  efficiency: { from: 15, to: 110, words: efficiency },
  age: { from: 0, to: 120, words: duration },
};
const STEPS = 64;

export function hasScale(look: Look): look is keyof typeof SCALES {
  return look in SCALES;
}

/** What the states' columns are called for each look. */
export function columnOf(look: Look): string {
  return hasScale(look) ? look : '';
}

/** The value shown, in the scale's unit. */
export function valueOf(states: StatesView, look: Look, machine: number): number | null {
  if (look === 'temperature') return states.temperature_c?.[machine] ?? null;
  if (look === 'age') return states.age_s?.[machine] ?? null;
  if (look === 'efficiency') {
    const tenths = states.efficiency_dj_per_th?.[machine] ?? null;
    return tenths === null ? null : tenths / 10;
  }
  return null;
}

/** Paints each machine's colour into a column of pixels; nothing where there is nothing to show. */
export function colour(
  into: Uint32Array,
  look: Look,
  floor: FloorView,
  states: StatesView,
  stateColours: Record<State, string>,
): void {
  if (look === 'state') {
    const byLetter = new Uint32Array(128);
    const unknown = pixel(stateColours.unknown);
    byLetter.fill(unknown);
    for (const [letter, state] of Object.entries(LETTERS)) byLetter[letter.charCodeAt(0)] = pixel(stateColours[state]);
    for (let n = 0; n < into.length; n++) into[n] = byLetter[states.state.charCodeAt(n) & 127] ?? unknown;
    return;
  }
  if (look === 'owner') {
    const owners = floor.owners.map((_, n) => pixel(OWNERS[n % OWNERS.length] ?? '#000000'));
    for (let n = 0; n < into.length; n++) into[n] = owners[floor.owner[n] ?? 0] ?? NOTHING;
    return;
  }
  const scale = SCALES[look];
  const table: Pixel[] = Array.from({ length: STEPS }, (_, n) => pixel(cividis(n / (STEPS - 1))));
  for (let n = 0; n < into.length; n++) {
    const value = valueOf(states, look, n);
    const share = value === null ? null : (value - scale.from) / (scale.to - scale.from);
    into[n] = share === null ? NOTHING : (table[Math.min(STEPS - 1, Math.max(0, Math.round(share * (STEPS - 1))))] ?? NOTHING);
  }
}

/** How many machines are in each state, for a hall or all. */
export function tally(states: string, machines: Iterable<number>): Record<State, number> {
  const sums = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<State, number>;
  for (const machine of machines) sums[LETTERS[states[machine] ?? '?'] ?? 'unknown'] += 1;
  return sums;
}

/** A states view with some letters changed. */
export function changed(states: StatesView, changes: readonly (readonly [number, string])[]): StatesView {
  const letters = states.state.split('');
  for (const [machine, letter] of changes) if (machine < letters.length) letters[machine] = letter;
  return { ...states, state: letters.join('') };
}
