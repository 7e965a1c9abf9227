// How a machine can stand, with a sign beside the colour: colour alone never says anything.

export const STATES = ['running', 'rising', 'falling', 'asleep', 'cut', 'failed', 'unknown'] as const;
export type State = (typeof STATES)[number];

/** The same signs as on the terminal. */
export const SIGNS: Record<State, string> = {
  running: '●',
  rising: '▲',
  falling: '▼',
  asleep: '○',
  cut: '×',
  failed: '!',
  unknown: '?',
};

/** The letters of `StatesView.state`. */
export const LETTERS: Record<string, State> = {
  r: 'running',
  u: 'rising',
  d: 'falling',
  s: 'asleep',
  c: 'cut',
  f: 'failed',
  '?': 'unknown',
};

export function isState(word: string): word is State {
  return (STATES as readonly string[]).includes(word);
}

/** A word from the server; one that is not known counts as unknown. */
export function stateOf(word: string): State {
  return isState(word) ? word : 'unknown';
}
