import { expect, test } from 'vitest';

import { extended, renewed, type Page } from './newest';

const page = (from: number, to: number, next: number | null): Page<{ seq: number }> => ({
  entries: Array.from({ length: from - to + 1 }, (_, n) => ({ seq: from - n })),
  next,
});

test('new entries come before those that were read back', () => {
  const known = extended(renewed(null, page(10, 6, 6)), page(5, 1, null));
  expect(known).toEqual(page(10, 1, null));
  expect(renewed(known, page(10, 6, 6))).toEqual(known);
  expect(renewed(known, page(12, 8, 8))).toEqual(page(12, 1, null));
});

test('a gap is never shown: the list begins anew', () => {
  expect(renewed(page(10, 1, null), page(15, 11, 11))).toEqual(page(15, 11, 11));
  expect(renewed(page(10, 6, 6), page(20, 16, 16))).toEqual(page(20, 16, 16));
});

test('an empty list takes its first entries', () => {
  expect(renewed(page(0, 1, null), page(2, 1, null))).toEqual(page(2, 1, null));
});
