import { describe, expect, it } from 'vitest';

import type { FoundView, ReportView } from '../api/types-records';
import { tables } from './details';
import { elsewhere, keyOf, place, positionsOf, read, twice, unsaved, write } from './inventory';
import { asked, bars, cell, choiceQuery, chosen, gap, offered } from './report';

const REPORT: ReportView = {
  about: 'energy', by: ['hall'], from: '2022-10-02T18:00:00Z', until: '2022-10-03T18:00:00Z', time_zone: 'Asia/Almaty',
  columns: ['hall', 'energy_wh', 'missing_s'],
  lines: [{ hall: 'hall-1', energy_wh: 6_424_641, missing_s: 3_600 }, { hall: 'hall-2', energy_wh: null, missing_s: 0 }],
  metered: null,
};

describe('a report', () => {
  it('has units, and a dash for what is not known', () => {
    expect(cell('energy_wh', 6_424_641)).toBe('6.42 MWh');
    expect(cell('missing_s', 5_400)).toBe('1.5 h');
    expect(cell('availability_ppm', 985_000)).toBe('98.5 %');
    expect(cell('hashes_gh', 1_500_000_000)).toBe('1.5 EH');
    expect(cell('energy_wh', null)).toBe('–');
    expect(cell('hall', 'hall-1')).toBe('hall-1');
  });
  it('is drawn by line, and not where its lines are too many', () => {
    const drawn = bars(REPORT);
    expect(drawn?.bars.map((bar) => [bar.label, bar.values[0], bar.text])).toEqual([['hall-1', 6_424_641, '6.42 MWh'], ['hall-2', 0, '–']]);
    expect(drawn?.most).toBe(6_424_641);
    expect(bars({ ...REPORT, lines: Array.from({ length: 201 }, () => REPORT.lines[0] ?? {}) })).toBeNull();
    expect(bars({ ...REPORT, lines: [] })).toBeNull();
  });
  it('misses no hours that are still to come', () => {
    const month = ['2022-09-30T18:00:00Z', '2022-10-31T18:00:00Z'] as const;
    const toCome = 28 * 86_400;
    expect(gap(toCome + 120, ...month, '2022-10-03T18:00:00Z')).toBe(0);
    expect(gap(toCome + 120 + 3_600, ...month, '2022-10-03T18:00:00Z')).toBe(3_600);
    expect(gap(500, ...month, '2023-01-01T00:00:00Z')).toBe(500);
    // A span that begins later is all to come; without a clock everything may be missing.
    expect(gap(31 * 86_400, ...month, '2022-09-01T00:00:00Z')).toBe(0);
    expect(gap(500, ...month, null)).toBe(500);
  });
  it('is of the choice that stands in the address, and of none while a day is missing', () => {
    const read = (search: string): ReturnType<typeof chosen> => chosen(new URLSearchParams(search), 'hall');
    expect(read('')).toEqual({ about: 'energy', by: 'hall', and: '', from: '', to: '' });
    expect(read('about=lies&by=me&and=hall&from=soon')).toEqual(read(''));
    for (const search of ['', 'about=hash&by=all&and=day', 'by=owner&from=2022-10-03&to=2022-10-04']) {
      const kept = Object.entries(choiceQuery(read(search), 'hall')).filter(([, value]) => value !== '');
      expect(new URLSearchParams(kept).toString()).toBe(search);
    }
    expect(asked(read('and=day'))).toEqual({ by: 'hall,day', from: '', to: '' });
    expect(asked(read('by=all&from=2022-10-03&to=2022-10-04'))).toEqual({ by: '', from: '2022-10-03T00:00', to: '2022-10-04T00:00' });
    expect([asked(read('from=2022-10-03')), asked(read('to=2022-10-03'))]).toEqual([null, null]);
  });
  it('tells of nobody\'s machines to who sees none', () => {
    expect(offered(false)).toEqual(['day', 'hour', 'hall', 'circuit']);
    expect(offered(true)).toContain('owner');
    const address = new URLSearchParams('by=owner&and=machine');
    expect(chosen(address, 'hall', offered(false))).toMatchObject({ by: 'hall', and: '' });
    expect(chosen(address, 'hall', offered(true))).toMatchObject({ by: 'owner', and: 'machine' });
  });
  it('stacks all kinds of time, each in its place', () => {
    const lines = [{ hall: 'hall-1', hashing_s: 60, price_s: 30, fault_s: 0, availability_ppm: 666_667 }];
    const drawn = bars({ ...REPORT, about: 'availability', lines });
    expect(drawn?.parts).toHaveLength(9);
    expect(drawn?.bars[0]?.values.filter((value) => value > 0)).toEqual([60, 30]);
    expect(drawn?.most).toBe(90);
  });
});

function found(address: string, mac: string | null, serial: string | null = null): FoundView {
  return { address, port: 4028, family: 'whatsminer-v2', model: 'M30S', mac, serial, firmware: null, note: null, machine: null };
}

describe('an inventory', () => {
  const machines = [found('10.0.0.1', 'C4:08:28:00:A4:19'), found('10.0.0.2', null, 'SN2'), found('10.0.0.3', null)];
  it('is read from a spreadsheet by MAC in any spelling, serial or address', () => {
    const list = read('MAC;Position;Serial;Address\nc40828-00a419;hall-1/rack-01/1;;\n;"hall-1/rack-01/2";SN2;\n;hall-1/rack-01/3;;10.0.0.3\n');
    expect([...place(machines, list).values()]).toEqual(['hall-1/rack-01/1', 'hall-1/rack-01/2', 'hall-1/rack-01/3']);
  });
  it('is refused without the columns that place anything', () => {
    expect(() => read('')).toThrow('empty');
    expect(() => read('position,model\nhall-1/1,M30S')).toThrow('columns');
  });
  it('is written as the site file reads it, with what the site knows of the position', () => {
    const placed = [{ found: machines[0] as FoundView, position: 'hall-1/1' }, { found: machines[1] as FoundView, position: 'new,place' }];
    const floor = { circuits: [], models: ['M30S+'], owners: ['house', 'acme'], id: ['hall-1/2', 'hall-1/1'], circuit: [0, 0], model: [0, 0], owner: [0, 1] };
    expect(write(placed, positionsOf(floor))).toBe(
      'position,model,owner,serial,mac,address,api_port\nhall-1/1,M30S+,acme,,C4:08:28:00:A4:19,10.0.0.1,4028\n"new,place",M30S,,SN2,,10.0.0.2,4028\n',
    );
  });
  it('keeps what was typed with the machine, whatever its address is at the next search', () => {
    const [first, second] = machines as [FoundView, FoundView, FoundView];
    const typed = { [keyOf(first)]: 'hall-1/1', [keyOf(second)]: 'hall-1/2' };
    const moved = { ...first, address: '10.0.0.2' };
    expect(typed[keyOf(moved)]).toBe('hall-1/1');
    expect(keyOf({ ...first, mac: 'c4-08-28-00-a4-19' })).toBe(keyOf(first));
    expect(elsewhere(typed, [moved])).toBe(1);
    expect(elsewhere(typed, machines)).toBe(0);
  });
  it('lacks what was typed since it was saved', () => {
    expect(unsaved({}, { a: '1' })).toBe(0);
    expect(unsaved({ a: '1', b: '2' }, { a: '1' })).toBe(1);
    expect(unsaved({ a: '3' }, { a: '1' })).toBe(1);
    // That a machine is to stand nowhere is said too.
    expect(unsaved({ a: '' }, {})).toBe(1);
  });
  it('says which places are given twice', () => {
    const placed = machines.map((of) => ({ found: of, position: of.serial === null ? 'a' : 'b' }));
    expect(twice(placed)).toEqual(['a']);
  });
});

describe('a full reading', () => {
  it('is a table a list, without columns that nothing fills', () => {
    const details = { boards: [{ place: 0, chips: 114, serial: null }, { place: 1, chips: null, serial: null }], fans: [], faults: null, uptime_s: 7 };
    expect(tables(details)).toEqual([{ name: 'boards', columns: ['place', 'chips'], rows: [['0', '114'], ['1', '–']] }]);
    expect(tables(null)).toEqual([]);
  });
});
