import { describe, expect, it } from 'vitest';

import type { PointView } from '../api/types';
import { series } from './envelope';
import { added, joined, traceOf, type Trace } from './trace';

const START = Date.parse('2022-10-03T00:00:00Z');
const point = (second: number, power_kw: number | null = 100): PointView => ({ at: new Date(START + second * 1_000).toISOString(), power_kw, limit_kw: 200, source: 'contract' });
const range = (from: number, until: number, step: number): PointView[] => Array.from({ length: Math.ceil((until - from) / step) }, (_, n) => point(from + n * step));
const times = (trace: Trace): number[] => trace.points.map(({ at }) => (Date.parse(at) - START) / 1_000);

describe('the trace', () => {
  it('keeps a whole day at one word a second, and loses only detail', () => {
    const silence = 3 * 3_600 + 7;
    let trace = traceOf([]);
    for (let second = 0; second < 30 * 3_600; second++) trace = added(trace, point(second, second === silence + 5 * 3_600 ? null : 100));
    const all = times(trace);
    expect(all.length).toBeLessThanOrEqual(4_096);
    expect(all[0]).toBeLessThanOrEqual(6 * 3_600);
    expect(all[0]).toBeGreaterThanOrEqual(5 * 3_600 - 80);
    expect(Math.max(...all.slice(1).map((at, n) => at - (all[n] ?? 0)))).toBeLessThanOrEqual(80);
    // A second's silence of many hours ago is there still.
    expect(trace.points.filter(({ power_kw }) => power_kw === null)).toHaveLength(1);
    const [, , measured] = series(trace.points, [], START / 1_000 + 30 * 3_600);
    expect(measured.filter((kw) => kw === null)).toHaveLength(1);
  });
  it('is left alone by a word that tells nothing new', () => {
    const trace = added(traceOf([]), point(0));
    expect(added(trace, point(9))).toBe(trace);
    expect(times(added(trace, point(10)))).toEqual([0, 10]);
    expect(added(trace, point(9, null)).points).toEqual([point(9, null)]);
  });
  it('goes on after a site whose clock was ahead was started again', () => {
    const trace = added(traceOf(range(0, 1_000, 10)), point(500));
    expect(times(trace).at(-1)).toBe(500);
    expect(times(added(trace, point(510))).at(-1)).toBe(510);
  });
});

describe('a trace that is read again', () => {
  // Nobody listened from 1,000 s to 3,000 s; while the answer came, two words more did.
  const kept = traceOf([...range(0, 1_000, 10), point(3_000), point(3_010)]);

  it('has what was measured while nobody listened', () => {
    const [, , before] = series(kept.points, [], START / 1_000 + 3_010);
    expect(before).toContain(null);
    const whole = joined(range(0, 3_005, 160), kept);
    expect(times(whole).slice(-4)).toEqual([2_720, 2_880, 3_000, 3_010]);
    const [, , measured] = series(whole.points, [], START / 1_000 + 3_010);
    expect(measured).not.toContain(null);
  });
  it('keeps what was before a site that begins anew, and a silence that was one', () => {
    const whole = joined(range(2_900, 3_005, 10), kept);
    expect(times(whole).slice(0, 3)).toEqual([0, 10, 20]);
    expect(times(whole).filter((at) => at > 1_000 && at < 2_900)).toEqual([]);
    expect(joined([], kept)).toBe(kept);
  });
});
