import { describe, expect, it } from 'vitest';

import { lines } from './commands';

const deed = (seq: number, what: string, subject: string, at: string) => ({ seq, at, who: 'anna', what, subject, why: 'hung', hash: '' });

describe('what a machine was asked', () => {
  it('has what somebody did by hand among the commands, newest first', () => {
    const records = [
      { generation: 2, action: 'sleep', at: '2022-10-03T12:00:00Z', state: 'issued', detail: null },
      { generation: 1, action: 'wake', at: '2022-10-03T10:00:00Z', state: 'issued', detail: null },
    ];
    const deeds = [deed(9, 'restart', 'hall-1/a', '2022-10-03T11:00:00Z'), deed(8, 'restart', 'hall-1/b', '2022-10-03T11:00:00Z'), deed(7, 'order', 'hall-1/a', '2022-10-03T11:00:00Z')];
    expect(lines(records, deeds, 'hall-1/a').map((line) => ('deed' in line ? line.deed.what : line.asked.action))).toEqual(['sleep', 'restart', 'wake']);
  });
});
