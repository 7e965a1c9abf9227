import { afterEach, describe, expect, it } from 'vitest';

import * as format from './format';

describe('quantities', () => {
  it('carry their unit and scale with their size', () => {
    expect(format.power(2_729.4)).toBe('2.73 MW');
    expect(format.power(150_000)).toBe('150 MW');
    expect(format.power(76)).toBe('76.0 kW');
    expect(format.power(0.64)).toBe('640 W');
    expect(format.watts(3_250)).toBe('3.25 kW');
    expect(format.hashRate(74_890)).toBe('74.9 PH/s');
    expect(format.hashRate(5_060_000)).toBe('5.06 EH/s');
    expect(format.energy(480_000)).toBe('480 MWh');
    expect(format.efficiency(36.44)).toBe('36.4 J/TH');
    expect(format.money(44_899.4, 'KZT')).toBe('44,899 KZT');
    expect(format.money(-3.456, 'KZT')).toBe('-3.46 KZT');
    expect(format.moneyPerHour(44_899.4, 'KZT')).toBe('44,899 KZT/h');
    expect(format.percent(0.9359)).toBe('94 %');
    expect(format.temperature(61.7)).toBe('62 °C');
  });
  it('are a dash where nothing is known, and a zero where it is zero', () => {
    for (const write of [format.power, format.hashRate, format.energy, format.efficiency, format.temperature, format.count, format.percent, format.duration]) {
      expect(write(null)).toBe(format.UNKNOWN);
      expect(write(undefined)).toBe(format.UNKNOWN);
    }
    expect(format.power(Number.NaN)).toBe(format.UNKNOWN);
    expect(format.power(0)).toBe('0 kW');
    expect(format.hashRate(0)).toBe('0 TH/s');
    expect(format.watts(40)).toBe('40 W');
    expect(format.count(0)).toBe('0');
    expect(format.money(null, 'KZT')).toBe(format.UNKNOWN);
    expect(format.moneyPerHour(null, 'KZT')).toBe(format.UNKNOWN);
  });
  it('are whole or nothing only where they are so', () => {
    expect([1_000_000, 999_999, 999_600, 999_499, 995_000, 666_667, 1_234, 499, 1, 0].map(format.millionths)).toEqual([
      '100 %', '99.99 %', '99.96 %', '99.9 %', '99.5 %', '66.7 %', '0.1 %', '0.05 %', '0.01 %', '0 %',
    ]);
  });
  it('say times as people do', () => {
    expect([4, 60, 720, 3_600, 12_000, 86_400, 187_200].map(format.duration)).toEqual(['4 s', '1 min', '12 min', '1 h', '3 h 20 min', '1 d', '2 d 4 h']);
  });
});

describe('civil time', () => {
  it("is the site's, not the browser's", () => {
    const clock = format.civil('Asia/Almaty');
    expect(clock.time('2022-10-03T18:00:00Z')).toBe('00:00');
    expect(clock.date('2022-10-03T18:00:00Z')).toBe('2022-10-04');
    expect(clock.minuteOfDay('2022-10-03T19:30:00Z')).toBe(90);
    expect(clock.moment('2022-10-03T18:00:00Z')).toBe('Tue 4 Oct 00:00');
  });
});

describe('the year', () => {
  afterEach(() => format.setPresent(Number.NaN));

  it('is told of days that are not of the plant\'s present year', () => {
    const clock = format.civil('Asia/Almaty');
    format.setPresent('2022-10-03T18:00:00Z');
    expect(clock.moment('2022-10-04T18:00:00Z')).toBe('Wed 5 Oct 00:00');
    expect(clock.moment('2026-10-04T18:00:00Z')).toBe('Sun 4 Oct 2026 23:00');
    // The new year begins at the site before it does in Greenwich.
    expect(clock.day('2022-12-31T18:30:00Z')).toBe('Sun 1 Jan 2023');
    expect(clock.full('2022-10-03T18:00:00Z')).toBe('Tue 4 Oct 2022 00:00');
  });
});

describe("the site's own words", () => {
  it('have times of its zone and powers that are read', () => {
    format.setPresent('2022-10-03T18:00:00Z');
    expect(format.said('wish, at most 42300000 mW from 2022-10-03T19:00:00.123456789Z until it is lifted', 'Asia/Almaty')).toBe('wish, at most 42.3 kW from Tue 4 Oct 01:00 until it is lifted');
    expect(format.said('hall-1 to 42300 W; 640 W of 2.5 W', 'UTC')).toBe('hall-1 to 42.3 kW; 640 W of 3 W');
    expect(format.said('4 MW and 30 kW at 2022-10-03', 'UTC')).toBe('4 MW and 30 kW at 2022-10-03');
    format.setPresent(Number.NaN);
  });
});
