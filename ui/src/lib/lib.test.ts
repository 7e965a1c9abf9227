import { describe, expect, it, vi } from 'vitest';

import type { CircuitView, CountsView, SiteView, SpanView } from '../api/types';
import { brief, days } from './calendar';
import { openAtFirst, rows } from './circuits';
import { group } from './commands';
import { coming, past, series, strip } from './envelope';
import { instant } from './instant';
import { inSight, PAGE_ROWS, Pages } from './pages';
import { progress } from './guide';
import { changesNothing, kilowatts, minutesOf, words } from './order';
import { href, parse } from './route';
import { standing } from './standing';

const span = (from: string, until: string, limit: number | null, source: string, block: string | null = null): SpanView => ({
  from,
  until,
  limit_kw: limit,
  source,
  block,
});

describe('addresses', () => {
  it('are read back as they were written', () => {
    const id = 'hall-1/rack 7/ü?#/3';
    expect(parse(href('machine', {}, id), '')).toMatchObject({ page: 'machine', id });
    const found = parse('/machines', '?state=failed%2Cunknown&search=a%26b');
    expect(found.page).toBe('machines');
    expect(found.query.get('search')).toBe('a&b');
    expect(href('machines', { state: 'asleep', hall: '', owner: null })).toBe('/machines?state=asleep');
    expect(href('now')).toBe('/');
  });
  it('that make no sense are told apart from Now', () => {
    for (const path of ['/', '', '//']) expect(parse(path, '').page).toBe('now');
    for (const path of ['/nowhere', '/%', '/machine', '/Power']) expect(parse(path, '').page).toBe('nowhere');
    expect(parse('/machines/%E0%A4%A', '').id).toBe('%E0%A4%A');
  });
});

describe('a site\'s time that is typed', () => {
  it('means that instant, also next to a change of the clocks', () => {
    expect(instant('2022-10-04T08:00', 'Asia/Almaty')).toBe('2022-10-04T02:00:00.000Z');
    expect(instant('2024-03-31T01:59', 'Europe/Berlin')).toBe('2024-03-31T00:59:00.000Z');
    expect(instant('2024-03-31T03:00', 'Europe/Berlin')).toBe('2024-03-31T01:00:00.000Z');
    expect(() => instant('soon', 'UTC')).toThrow('soon');
  });
});

describe('the calendar', () => {
  it('cuts spans at midnights of the site', () => {
    const found = days([span('2022-10-03T18:00:00Z', '2022-10-04T02:00:00Z', 130_000, 'contract'), span('2022-10-04T02:00:00Z', '2022-10-05T18:00:00Z', 2_200, 'contract: outside the window')], 'Asia/Almaty');
    expect(found.map((day) => [day.date, day.stretches.map((stretch) => [stretch.left, stretch.width].map((share) => Math.round(share * 1_440)))])).toEqual([
      ['2022-10-04', [[0, 480], [480, 960]]],
      ['2022-10-05', [[0, 1_440]]],
    ]);
    expect(found[0]?.stretches[1]?.share).toBeCloseTo(2_200 / 130_000);
  });
  it('is told in few words, and never more than is allowed', () => {
    const told = (spans: SpanView[]): unknown => brief(days(spans, 'UTC')[0]?.stretches ?? []).map(({ from, until, limit }) => [from.slice(11, 16), until.slice(11, 16), limit]);
    const at = (from: string, until: string, limit: number): SpanView => span(`2022-10-03T${from}:00Z`, until === '24:00' ? '2022-10-04T00:00:00Z' : `2022-10-03T${until}:00Z`, limit, 'contract');
    const down = [at('07:50', '07:55', 600), at('07:55', '08:00', 300)];
    expect(told([at('00:00', '07:50', 900), ...down, at('08:00', '24:00', 30)])).toEqual([['00:00', '07:50', 900], ['07:50', '00:00', 30]]);
    expect(told([at('00:00', '07:50', 30), at('07:50', '07:55', 300), at('07:55', '24:00', 900)])).toEqual([['00:00', '07:55', 30], ['07:55', '00:00', 900]]);
    expect(told([at('00:00', '07:41', 900), at('07:41', '07:50', 900), ...down, at('08:00', '24:00', 30)])).toEqual([['00:00', '07:50', 900], ['07:50', '00:00', 30]]);
    // A day that ends on its way down, one that dips for minutes, and one of minutes only.
    expect(told([at('00:00', '07:50', 900), ...down])).toEqual([['00:00', '07:50', 900], ['07:50', '08:00', 300]]);
    expect(told([at('00:00', '12:00', 900), at('12:00', '12:10', 0), at('12:10', '24:00', 900)])).toEqual([['00:00', '12:00', 900], ['12:00', '12:10', 0], ['12:10', '00:00', 900]]);
    expect(told(down)).toEqual([['07:50', '08:00', 300]]);
    expect(told([at('00:00', '12:00', 900), at('12:00', '24:00', 900)])).toEqual([['00:00', '00:00', 900]]);
  });
  it('ends at days of 23 and 25 hours', () => {
    const year = days([span('2024-01-01T00:00:00Z', '2024-12-31T00:00:00Z', null, 'rating')], 'Europe/Berlin');
    expect(year).toHaveLength(366);
    expect(new Set(year.map((day) => day.date)).size).toBe(366);
  });
});

describe('the chart', () => {
  const now = Date.parse('2022-10-03T20:00:00Z') / 1000;
  const point = (minute: number, kw: number | null): { at: string; power_kw: number | null; limit_kw: number; source: string } => ({
    at: new Date((now + minute * 60) * 1000).toISOString(),
    power_kw: kw,
    limit_kw: 100,
    source: minute < -30 ? 'order 3' : 'contract',
  });
  it('breaks the line over a silence and goes on with what is allowed', () => {
    const [at, limit, power] = series([point(-60, 50), point(-59, 51), point(-10, 52)], [span('2022-10-03T19:00:00Z', '2022-10-03T21:00:00Z', 100, 'contract')], now);
    expect(power).toEqual([50, 51, null, 52, null, null]);
    expect(limit).toEqual([100, 100, null, 100, 100, 100]);
    expect(at).toEqual([...at].sort((a, b) => a - b));
  });
  it('names what bound in the past by its own word', () => {
    const spans = [...past([point(-60, 1), point(-45, 1), point(-20, 1)], now), ...coming([span('2022-10-03T19:00:00Z', '2022-10-03T21:00:00Z', 100, 'contract')], now)];
    expect(strip(spans, now - 3_600, now + 3_600).map(({ source, tone }) => [source, tone])).toEqual([['order 3', 'order'], ['contract', 'open']]);
  });
  it('names each source once', () => {
    const pieces = strip([span('2022-10-03T19:00:00Z', '2022-10-03T20:00:00Z', 100, 'contract'), span('2022-10-03T20:00:00Z', '2022-10-03T21:00:00Z', 90, 'contract'), span('2022-10-03T21:00:00Z', '2022-10-03T23:00:00Z', 0, "operator's stop", 'stopped')], now - 3_600, now + 3_600);
    expect(pieces.map(({ source, width }) => [source, width])).toEqual([['contract', 1]]);
  });
});

describe('the verdict', () => {
  const view = (power: number | null, limit: number | null, source = 'contract', block: string | null = null, running = 0): SiteView =>
    ({
      power_kw: power,
      power_age_s: 1,
      speed: 1,
      limit: limit === null ? null : { limit_kw: limit, source, until: null },
      block,
      counts: { running, rising: 0, falling: 0, asleep: 60, cut: 0, failed: 0, unknown: 0, total: 60 + running },
    }) as SiteView;
  it('never calls a silent meter inside', () => {
    expect(standing(view(null, 100))).toBe('unknown');
    expect(standing(view(50, null))).toBe('unknown');
    expect(standing({ ...view(50, 100), power_age_s: 11 })).toBe('unknown');
    expect(standing({ ...view(50, 100), power_age_s: 11, speed: 60 })).toBe('inside');
    expect(standing({ ...view(50, 100), power_age_s: null })).toBe('unknown');
  });
  it('is not known while nobody tells anything', () => {
    expect(standing(view(50, 100), false)).toBe('unknown');
  });
  it('tells inside, near, above, closing and stopped', () => {
    expect(standing(view(50, 100))).toBe('inside');
    expect(standing(view(99.8, 100))).toBe('near');
    expect(standing(view(100.1, 100))).toBe('above');
    expect(standing(view(0.1, 0))).toBe('above');
    expect(standing(view(60, 50, 'contract: window closing'))).toBe('closing');
    expect(standing(view(37, 76, 'contract: outside the window', 'contract: outside the window: nothing may hash'))).toBe('resting');
    expect(standing(view(2, 50, "operator's stop", 'stop: nothing may hash'))).toBe('blocked');
    expect(standing(view(2, 0, "operator's stop", 'stop: nothing may hash'))).toBe('blocked');
    expect(standing(view(20, 0, "operator's stop", 'stop: nothing may hash', 3))).toBe('above');
    expect(standing(view(2, 1, "operator's stop", 'stop: nothing may hash'))).toBe('above');
  });
});

describe('first steps', () => {
  const view = (change: object): SiteView =>
    ({ power_kw: 50, power_age_s: 1, speed: 1, limit: { limit_kw: 100, source: 'contract', until: null }, counts: { total: 100, unknown: 0 }, halls: [{ id: 'hall-1', authority: 'observe', advice: { stop: 1, start: 0 } }], ...change }) as SiteView;
  it('are judged by what the site shows', () => {
    expect(progress(view({}))).toEqual({ machines: 'done', meter: 'done', limits: 'done', dry: 'done', authority: 'now' });
    expect(progress(view({ power_kw: null }))).toMatchObject({ meter: 'now', authority: 'later' });
    expect(progress(view({ power_age_s: 60 })).meter).toBe('now');
    expect(progress(view({ counts: { total: 100, unknown: 40 } })).machines).toBe('now');
    expect(progress(view({ counts: { total: 0, unknown: 0 } })).machines).toBe('now');
    expect(Object.values(progress(view({ halls: [{ id: 'hall-1', authority: 'control', advice: null }] })))).toEqual(Array(5).fill('done'));
  });
});

describe('a long list', () => {
  it('asks only for pages in sight, and each once', async () => {
    const fetch = vi.fn((skip: number, limit: number) => Promise.resolve({ total: 55_000, rows: Array.from({ length: limit }, (_, n) => skip + n) }));
    const pages = new Pages<number>(fetch, () => undefined, () => undefined);
    pages.want(30_000, 30_020);
    pages.want(30_000, 30_020);
    await vi.waitFor(() => expect(pages.total).toBe(55_000));
    expect(fetch.mock.calls.map(([skip]) => skip)).toEqual([30_000]);
    expect(pages.row(30_019)).toBe(30_019);
    expect(pages.row(0)).toBeNull();
    pages.want(30_095, 30_110);
    await vi.waitFor(() => expect(pages.row(30_110)).toBe(30_110));
  });
  it('gives up what is out of sight, and says what failed', async () => {
    const failed = vi.fn();
    const signals: AbortSignal[] = [];
    const pages = new Pages<number>((skip, _, signal) => {
      signals.push(signal);
      return skip === 0 ? new Promise(() => undefined) : Promise.reject(new Error('no'));
    }, () => undefined, failed);
    pages.want(0, 10);
    pages.want(5_000, 5_010);
    expect(signals[0]?.aborted).toBe(true);
    await vi.waitFor(() => expect(failed).toHaveBeenCalledOnce());
  });
  it('knows what is in sight', () => {
    expect(inSight(0, 440, 44, 1_000)).toEqual({ first: 0, last: 18 });
    expect(inSight(44_000, 440, 44, 1_000)).toEqual({ first: 992, last: 999 });
    expect(inSight(0, 440, 44, 0)).toEqual({ first: 0, last: 0 });
    expect(PAGE_ROWS).toBe(100);
  });
});

describe('circuits', () => {
  const circuit = (id: string, kind: string, parent: string | null): CircuitView => ({ id, kind, parent, counts: {} as CountsView }) as CircuitView;
  it('are a tree of which only what is open is listed', () => {
    const all = [circuit('grid', 'connection', null), circuit('t-1', 'transformer', 'grid'), circuit('hall-1', 'hall', 't-1'), circuit('hall-1/rack-1', 'rack', 'hall-1')];
    expect(rows(all, openAtFirst(all)).map((row) => [row.circuit.id, row.depth, row.children])).toEqual([['grid', 0, 1], ['t-1', 1, 1], ['hall-1', 2, 1]]);
    expect(rows(all, new Set())).toHaveLength(1);
  });
});

describe('what a machine was asked', () => {
  it('stands together by command, in order of time', () => {
    const record = (generation: number, state: string): { generation: number; action: string; at: string; state: string; detail: null } => ({ generation, action: 'sleep', at: '', state, detail: null });
    expect(group([record(9, 'issued'), record(7, 'confirmed'), record(7, 'issued')]).map((asked) => [asked.generation, asked.records.map((one) => one.state)])).toEqual([[9, ['issued']], [7, ['issued', 'confirmed']]]);
  });
});

describe('an order in words', () => {
  it('is to the watt, and names its times', () => {
    expect(words({ circuit: 'hall-1', limit_kw: 150 })).toBe('hall-1 to 150000 W');
    expect(words({ circuit: 'grid', limit_kw: 0.0001 })).toBe('grid to 0 W');
    expect(words({ circuit: 'grid', limit_kw: 1, until: '2022-10-03T12:00:00.000Z', minutes: 90 })).toBe('grid to 1000 W for 90 min');
    expect(['2', ' 1,5 ', '0.25'].map(minutesOf)).toEqual([120, 90, 15]);
    expect(['', ' ', '0', '-1', 'two', '1e9', '9000', '30 min', '0 h'].map(minutesOf)).toEqual(Array(9).fill(null));
  });
  it('has a limit that can be meant in one way only', () => {
    expect(['0', ' 1500 ', '0.5', '0,5', '100.', '1500,25'].map(kilowatts)).toEqual([0, 1500, 0.5, 0.5, 100, 1500.25]);
    expect(['', '100kW', '0.1 MW', '-5', '1e3', '0x10', '1,500', '∞', '1.5.0'].map(kilowatts)).toEqual(Array(9).fill(null));
  });
  it('changes nothing where less is allowed already', () => {
    const order = { id: 0, circuit: 'grid', limit_kw: 900, setpoint: false, mean_min: null, kind: 'wish', from: '', until: null, by: null, reason: null };
    const binds = (limit_kw: number): { limit_kw: number; source: string; until: null } => ({ limit_kw, source: 'contract', until: null });
    expect([binds(800), binds(900), null].map((of) => changesNothing({ order, binds: of }))).toEqual([true, false, false]);
    expect(words({ circuit: 'grid', limit_kw: 1e9, until: '2022-10-03T12:00:00.000Z' })).toBe('grid to 1000000000000 W until 2022-10-03T12:00:00.000Z');
    expect(words({ circuit: 'grid', limit_kw: 2.916, from: '2022-10-03T11:00:00.000Z', until: '2022-10-03T12:00:00.000Z' })).toBe(
      'grid to 2916 W at 2022-10-03T11:00:00.000Z until 2022-10-03T12:00:00.000Z',
    );
  });
});
