import { describe, expect, it } from 'vitest';

import type { FlowView, LifeView } from '../../api/observatory';
import { cut, outlines, project } from '../../../outlines';
import { daysOf, join, seconds, setOf, years } from './columns';
import { figure, known, price, signed, tick } from './figures';
import { layout, ribbonPath } from './flow';
import { Latest } from './latest';
import { fate, sorted } from './lives';
import { METHODS } from './methods';
import { opacity, step, STEPS } from './shade';
import { href, parse } from '../route';
import { times } from './chart';

/** Lets promises that are settled be told. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe('a slider', () => {
  it('has one request in flight, and of those asked meanwhile only the last is made', async () => {
    const asked: number[] = [];
    const told: number[] = [];
    const waiting: ((value: number) => void)[] = [];
    const latest = new Latest((at: number) => new Promise<number>((resolve) => { asked.push(at); waiting.push(resolve); }), (result) => told.push(result), () => told.push(-1));
    [1, 2, 3, 4].forEach((at) => latest.ask(at));
    expect(asked).toEqual([1]);
    waiting[0]?.(10);
    await settle();
    expect([asked, told]).toEqual([[1, 4], [10]]);
    waiting[1]?.(40);
    await settle();
    expect([asked, told]).toEqual([[1, 4], [10, 40]]);
    latest.ask(5);
    latest.stop();
    waiting[2]?.(50);
    await settle();
    expect(told, 'nobody looks any more').toEqual([10, 40]);
  });

  it('tells an error of what is still asked, and none of what nobody asks any more', async () => {
    const failed: string[] = [];
    const done: number[] = [];
    const refuse: ((error: Error) => void)[] = [];
    const latest = new Latest((at: number) => new Promise<number>((resolve, reject) => { if (at === 9) resolve(9); else refuse.push(reject); }), (result) => done.push(result), (error) => failed.push((error as Error).message));
    latest.ask(1);
    latest.ask(9);
    refuse[0]?.(new Error('first'));
    await settle();
    expect([failed, done]).toEqual([[], [9]]);
    latest.ask(2);
    refuse[1]?.(new Error('second'));
    await settle();
    expect(failed).toEqual(['second']);
  });
});

describe('columns', () => {
  const one = { date: ['2021-01-01', '2021-01-08'], lower: [1, 2], guess: [2, 3], upper: [3, 4] };
  const other = { date: ['2021-01-08', '2021-01-15'], lower: [5, 6], guess: [6, 7], upper: [7, 8] };
  it('are put on common days, and what one lacks is missing', () => {
    const joined = join([one, other]);
    expect(joined.x).toEqual(['2021-01-01', '2021-01-08', '2021-01-15'].map(seconds));
    expect(joined.curves.map((curve) => curve.guess)).toEqual([[2, 3, null], [null, 6, 7]]);
    expect(join([])).toEqual({ x: [], curves: [] });
  });
  it('keep a bound that a method does not have as missing, not as zero', () => {
    const [curve] = join([{ ...one, lower: [null, 2] }]).curves;
    expect(curve).toEqual({ lower: [null, 2], guess: [2, 3], upper: [3, 4] });
  });
  it('have means by year, with the days they rest on', () => {
    const found = years({ date: ['2020-12-31', '2021-01-01', '2021-01-02'], lower: [], guess: [5, 1, 2], upper: [] });
    expect([...found]).toEqual([['2020', { mean: 5, days: 1 }], ['2021', { mean: 1.5, days: 2 }]]);
    expect([daysOf('2020'), daysOf('2021')]).toEqual([366, 365]);
  });
  it('are asked for with what was changed', () => {
    expect(setOf({})).toBeNull();
    expect(setOf({ pue_guess: ' 1.2', mean_days: '30', empty: ' ' })).toBe('pue_guess=1.2,mean_days=30');
  });
});

describe('figures', () => {
  it('keep three digits, and are a dash where nothing is known', () => {
    expect([0, 0.000_123, 0.05, 1.5, 12.34, 1234].map(figure)).toEqual(['0', '0.000123', '0.0500', '1.50', '12.3', '1,234']);
    expect([null, undefined, NaN, Infinity].map(figure)).toEqual(['–', '–', '–', '–']);
    expect([signed(2), signed(-2), signed(0), signed(null)]).toEqual(['+2.00', '-2.00', '0', '–']);
    expect([price(0.12), price(0.0945), price(null)]).toEqual(['0.1200', '0.0945', '–']);
    expect([known(''), known(null), known(0), known('x')]).toEqual(['–', '–', '0', 'x']);
  });
  it('are short on an axis', () => {
    expect([0, 1e-6, 0.01, 250, 10_000, 1_000_000, null].map(tick)).toEqual(['0', '1e−6', '0.01', '250', '10,000', '1M', '']);
  });
});

describe('flows', () => {
  const flow = (from: string, to: string, amount: number): FlowView => ({ from, from_name: from, to, to_name: to, amount });
  it('fill both sides to the same scale, the largest first, and nothing lies over another', () => {
    const drawing = layout([flow('CHN', 'USA', 30), flow('CHN', 'KAZ', 10), flow('IRN', 'USA', 5)], 300, 10);
    expect(drawing.left.map((bar) => [bar.key, bar.amount])).toEqual([['CHN', 40], ['IRN', 5]]);
    expect(drawing.right.map((bar) => [bar.key, bar.amount])).toEqual([['USA', 35], ['KAZ', 10]]);
    for (const side of [drawing.left, drawing.right]) {
      side.forEach((bar, n) => expect(bar.y).toBeGreaterThanOrEqual((side[n - 1]?.y ?? 0) + (side[n - 1]?.height ?? 0)));
      expect((side.at(-1)?.y ?? 0) + (side.at(-1)?.height ?? 0)).toBeLessThanOrEqual(300.001);
    }
    const scale = (drawing.left[0]?.height ?? 0) / 40;
    for (const ribbon of drawing.ribbons) expect(ribbon.height / ribbon.amount).toBeCloseTo(scale, 9);
    // What leaves a bar is the bar.
    const china = drawing.ribbons.filter((ribbon) => ribbon.from === 'CHN');
    expect(china.reduce((sum, ribbon) => sum + ribbon.height, 0)).toBeCloseTo(drawing.left[0]?.height ?? 0, 9);
    expect(ribbonPath({ from: 'a', to: 'b', fromName: '', toName: '', amount: 1, y0: 0, y1: 10, height: 5 }, 0, 100)).toMatch(/^M0\.0,0\.0C50\.0,.*Z$/);
  });
  it('of nothing draw nothing', () => {
    expect(layout([], 300, 10)).toEqual({ left: [], right: [], ribbons: [] });
  });
});

describe('the map', () => {
  it('keeps areas: equal ones at the equator and in the north are equal', () => {
    const width = (latitude: number): number => project([1, latitude])[0] - project([0, latitude])[0];
    const height = (latitude: number): number => project([0, latitude + 0.5])[1] - project([0, latitude - 0.5])[1];
    const area = (latitude: number): number => (width(latitude) * height(latitude)) / Math.cos((latitude * Math.PI) / 180);
    for (const latitude of [30, 50, 70]) expect(area(latitude) / area(0)).toBeCloseTo(1, 3);
  });
  it('cuts what runs over the antimeridian, and draws no line across the world', () => {
    const pieces = cut([[170, 0], [-170, 0], [-170, 10], [170, 10]]);
    expect(pieces.length).toBe(2);
    for (const piece of pieces) {
      const east = piece.map(([longitude]) => longitude);
      expect(Math.max(...east) - Math.min(...east)).toBeCloseTo(10, 9);
    }
    const world = outlines();
    for (const { path, name } of world.countries) {
      for (const ring of path.split('M').slice(1)) {
        const xs = ring.replace('Z', '').split('L').map((pair) => Number(pair.split(',')[0]));
        for (const [n, x] of xs.entries()) expect(Math.abs(x - (xs[n - 1] ?? x)), name).toBeLessThan(world.width / 2);
      }
    }
  });
  it('knows every country that shares are reported for', () => {
    const codes = outlines().countries.map((country) => country.code);
    for (const code of ['KAZ', 'CHN', 'USA', 'RUS', 'CAN', 'IRN', 'MYS', 'DEU', 'IRL', 'NOR', 'SWE', 'XKX']) expect(codes).toContain(code);
    expect(codes).not.toContain('ATA');
    const named = codes.filter((code) => code !== null);
    expect(new Set(named).size).toBe(named.length);
  });
  it('shades in steps that its key names', () => {
    expect([null, undefined, 0, 0.4, 1, 18.1, 46].map(step)).toEqual([-1, -1, -1, 0, 1, 3, 5]);
    const shades = STEPS.map((_, n) => opacity(n));
    expect([...shades].sort((a, b) => a - b)).toEqual(shades);
    expect([opacity(-1), shades.at(-1)]).toEqual([0, 1]);
  });
});

describe('models', () => {
  const life = (model: string, stopped: string | null, pays: boolean, price: number | null): LifeView => ({ model, release: '2020-01-01', efficiency_j_per_th: 1, first_paid: null, stopped, first_given_up: null, days_paid: 0, days: 1, pays_now: pays, shutdown_now_usd_per_kwh: price });
  it('stand in the order of any column, what is not known last', () => {
    const models = [life('b', null, true, 0.1), life('a', '2019-01-01', false, null), life('c', '2018-01-01', false, 0.01)];
    const names = (column: 'model' | 'stopped' | 'shutdown_now_usd_per_kwh', descending: boolean): string[] => sorted(models, column, descending).map((one) => one.model);
    expect(names('model', false)).toEqual(['a', 'b', 'c']);
    expect([names('stopped', false), names('stopped', true)]).toEqual([['c', 'a', 'b'], ['a', 'c', 'b']]);
    expect(names('shutdown_now_usd_per_kwh', true)).toEqual(['b', 'c', 'a']);
    expect(models.map(fate)).toEqual(['pays', '2019-01-01', '2018-01-01']);
    expect(fate(life('d', null, false, null))).toBe('never');
  });
});

describe('methods and addresses', () => {
  it('stand apart by colour and by dash', () => {
    expect(new Set(METHODS.map((method) => method.colour)).size).toBe(METHODS.length);
    expect(new Set(METHODS.map((method) => method.dash?.join() ?? 'solid')).size).toBe(METHODS.length);
  });
  it('read back', () => {
    expect(href('observatory')).toBe('/observatory');
    expect(href('observatory', { country: 'KZ' }, 'nation')).toBe('/observatory/nation?country=KZ');
    expect(parse('/observatory/nation', '?country=KZ')).toMatchObject({ page: 'observatory', id: 'nation' });
    expect(parse('/observatory', '')).toMatchObject({ page: 'observatory', id: null });
  });
});

describe('times on an axis', () => {
  const at = (day: string): number => Date.parse(`${day}T00:00:00Z`) / 1_000;
  it('have their year, once for each', () => {
    expect(times([at('2019-07-01'), at('2020-01-01'), at('2020-07-01')], 181 * 86_400)).toEqual(['Jul\n2019', 'Jan\n2020', 'Jul']);
    expect(times([at('2019-01-01'), at('2020-01-01')], 365 * 86_400)).toEqual(['2019', '2020']);
    expect(times([at('2019-12-31'), at('2020-01-07')], 7 * 86_400)).toEqual(['31 Dec\n2019', '7 Jan\n2020']);
  });
});
