import { describe, expect, it } from 'vitest';

import { gaps } from './today';

describe("the day's money", () => {
  it('says what is not in it', () => {
    expect(gaps({ unmetered_s: 0, unpriced_s: 0.4 })).toEqual([]);
    expect(gaps({ unmetered_s: 0, unpriced_s: 7_200 })).toEqual([{ what: 'unpriced', seconds: 7_200 }]);
    expect(gaps({ unmetered_s: 60, unpriced_s: 7_200 }).map(({ what }) => what)).toEqual(['unmetered', 'unpriced']);
  });
});
