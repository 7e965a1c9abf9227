import { describe, expect, it } from 'vitest';

import { besides, choices, pieces } from './alerts';

const alert = (text: string, named: string[], machines = named.length): { text: string; named: string[]; machines: number } => ({ text, named, machines });

describe('alerts', () => {
  it('names machines as links, the longest id first and whole ids only', () => {
    const found = pieces(alert('hall-1: 2 machines are lost: hall-1/r1, hall-1/r10', ['hall-1/r1', 'hall-1/r10']));
    expect(found).toEqual([
      { text: 'hall-1: 2 machines are lost: ', machine: null },
      { text: 'hall-1/r1', machine: 'hall-1/r1' },
      { text: ', ', machine: null },
      { text: 'hall-1/r10', machine: 'hall-1/r10' },
    ]);
    expect(pieces(alert('xm1 and m11 and m1.', ['m1'])).filter(({ machine }) => machine !== null)).toHaveLength(1);
    expect(pieces(alert('the meter at grid is silent', []))).toEqual([{ text: 'the meter at grid is silent', machine: null }]);
  });

  it('tells the machines that its text leaves out, and how many more there are', () => {
    expect(besides(alert('hall-1: 8 machines do not obey: a, b and 6 more', ['a', 'b', 'c', 'd', 'e'], 8), 2)).toEqual({ shown: ['c', 'd'], more: 4 });
    expect(besides(alert('hall-1: 1 machine does not obey: a', ['a']), 20)).toEqual({ shown: [], more: 0 });
    expect(besides(alert('hall-1 is hot', [], 32), 20)).toEqual({ shown: [], more: 32 });
  });

  it('can be quiet beside being seen to, and seen to while they are quiet', () => {
    const now = '2022-10-03T12:00:00Z';
    const of = (acknowledged_by: string | null, snoozed_until: string | null): unknown => choices({ acknowledged_by, snoozed_until }, now);
    expect(of(null, null)).toEqual({ see: true, quiet: true });
    expect(of('anna', null)).toEqual({ see: false, quiet: true });
    expect(of(null, '2022-10-03T13:00:00Z')).toEqual({ see: true, quiet: false });
    expect(of('anna', '2022-10-03T11:59:59Z')).toEqual({ see: false, quiet: true });
  });
});
