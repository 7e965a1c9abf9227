import { describe, expect, it } from 'vitest';

import { asWritten } from './search';

describe('what is searched for', () => {
  it('is a MAC in any spelling', () => {
    for (const typed of ['02-0f-00-00-00-1a', '020F0000001A', '020f.0000.001a', '02:0F:00:00:00:1A', ' 020f00-00001a ', '02 0f 00 00 00 1a']) {
      expect(asWritten(typed), typed).toBe('02:0F:00:00:00:1A');
    }
    expect(asWritten('02-0f-00')).toBe('02:0F:00');
  });
  it('is otherwise what was typed', () => {
    for (const typed of ['', 'hall-1', 'rack-1/pdu-1', '10.0.0.1', '127.16.0.12', '10-20', '202308031112', 'TWIN00000000', 'M30S', 'ab', 'added-to']) {
      expect(asWritten(typed), typed).toBe(typed);
    }
  });
});
