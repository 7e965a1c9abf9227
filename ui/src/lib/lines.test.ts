import { describe, expect, it } from 'vitest';

import { stretch } from './lines';

describe('a line of a text', () => {
  const text = '[site]\nname = "x"\n\nend';
  const of = (line: number, column: number | null = null): string => {
    const { from, to } = stretch(text, line, column);
    return text.slice(from, to);
  };
  it('is found by its number, from its column on', () => {
    expect([of(1), of(2), of(2, 8), of(3), of(4, 1)]).toEqual(['[site]', 'name = "x"', '"x"', '', 'end']);
  });
  it('is the nearest where there is none', () => {
    expect([of(0), of(99), of(1, 99)]).toEqual(['[site]', 'end', '']);
  });
});
