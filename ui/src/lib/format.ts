// Quantities as people read them: always with their unit, and a dash for what is not known. Never a zero for nothing.

/** What stands where nothing is known. */
export const UNKNOWN = '–';

const LANGUAGE = 'en';

function number(value: number, digits: number): string {
  return value.toLocaleString(LANGUAGE, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Three figures or a little more: 1,234 · 123 · 12.3 · 1.23. */
function figures(value: number): string {
  const size = Math.abs(value);
  return number(value, size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

function scaled(value: number | null | undefined, units: readonly (readonly [number, string])[]): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN;
  const size = Math.abs(value);
  const unit = units.find(([from]) => size >= from) ?? units.at(-1);
  if (unit === undefined) return UNKNOWN;
  const [step, name] = unit;
  if (value === 0) return `0 ${name}`;
  return `${figures(value / (step === 0 ? 1 : step))} ${name}`;
}

/** A power in kilowatts, as `640 W`, `126 kW`, `2.92 MW`. */
export function power(kw: number | null | undefined): string {
  if (typeof kw === 'number' && kw !== 0 && Math.abs(kw) < 1) return `${number(kw * 1000, 0)} W`;
  return scaled(kw, [[1_000_000, 'GW'], [1_000, 'MW'], [0, 'kW']]);
}

/** A power in watts. */
export function watts(w: number | null | undefined): string {
  return power(w === null || w === undefined ? w : w / 1000);
}

/** A hash rate in terahashes a second. */
export function hashRate(ths: number | null | undefined): string {
  return scaled(ths, [[1_000_000, 'EH/s'], [1_000, 'PH/s'], [0, 'TH/s']]);
}

/** An energy in kilowatt hours. */
export function energy(kwh: number | null | undefined): string {
  return scaled(kwh, [[1_000_000, 'GWh'], [1_000, 'MWh'], [0, 'kWh']]);
}

/** Joules a terahash. */
export function efficiency(joules: number | null | undefined): string {
  return joules === null || joules === undefined ? UNKNOWN : `${number(joules, 1)} J/TH`;
}

/** Degrees Celsius. */
export function temperature(celsius: number | null | undefined): string {
  return celsius === null || celsius === undefined ? UNKNOWN : `${number(celsius, 0)} °C`;
}

/** An amount of money; with a sign where it is a change. */
export function money(amount: number | null | undefined, currency: string): string {
  if (amount === null || amount === undefined || !Number.isFinite(amount)) return UNKNOWN;
  return `${number(amount, Math.abs(amount) < 100 ? 2 : 0)} ${currency}`;
}

/** An amount of money an hour. */
export function moneyPerHour(amount: number | null | undefined, currency: string): string {
  const told = money(amount, currency);
  return told === UNKNOWN ? told : `${told}/h`;
}

/** A count. */
export function count(n: number | null | undefined): string {
  return n === null || n === undefined ? UNKNOWN : number(n, 0);
}

/** A share of one, in percent. */
export function percent(share: number | null | undefined): string {
  return share === null || share === undefined || !Number.isFinite(share) ? UNKNOWN : `${number(share * 100, share < 0.1 ? 1 : 0)} %`;
}

/**
 * A share in millionths, in percent: `98.5 %`. Whole and none are told only where they are so: what is nearly whole reads 99.99 % at most, what is
 * nearly nothing 0.01 % at least.
 */
export function millionths(ppm: number): string {
  const percent = ppm / 10_000;
  if (percent === 0 || percent === 100) return `${percent} %`;
  const digits = percent < 0.05 || (percent >= 99.95 && percent < 100) ? 2 : 1;
  const most = percent < 100 ? 99.99 : percent;
  return `${number(Math.min(most, Math.max(0.01, percent)), digits)} %`;
}

/** A length of time: `4 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return UNKNOWN;
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** When it is at the plant; days of another year are told with it. */
let present: number | null = null;

/** Says when it is at the plant. */
export function setPresent(at: string | number): void {
  const ms = typeof at === 'number' ? at : Date.parse(at);
  present = Number.isNaN(ms) ? null : ms;
}

/** Civil time at the site. */
export interface Civil {
  time: (at: string | number) => string;
  seconds: (at: string | number) => string;
  /** With the year where it is not the plant's present one. */
  day: (at: string | number) => string;
  /** With the year in any case. */
  full: (at: string | number) => string;
  moment: (at: string | number) => string;
  /** Minutes since the site's midnight. */
  minuteOfDay: (at: string | number) => number;
  /** `2022-10-03`, the site's calendar day. */
  date: (at: string | number) => string;
}

const civils = new Map<string, Civil>();

/** How times read in a zone. */
export function civil(timeZone: string): Civil {
  const known = civils.get(timeZone);
  if (known) return known;
  const made = makeCivil(timeZone);
  civils.set(timeZone, made);
  return made;
}

function makeCivil(timeZone: string): Civil {
  const format = (options: Intl.DateTimeFormatOptions, language = 'en-GB'): ((at: string | number) => string) => {
    const formatter = new Intl.DateTimeFormat(language, { timeZone, hourCycle: 'h23', ...options });
    return (at) => formatter.format(new Date(at));
  };
  const time = format({ hour: '2-digit', minute: '2-digit' });
  const date = format({ year: 'numeric', month: '2-digit', day: '2-digit' }, 'sv-SE');
  const short = format({ weekday: 'short', day: 'numeric', month: 'short' });
  const year = format({ year: 'numeric' });
  const day = (at: string | number): string => (present === null || year(at) === year(present) ? short(at) : `${short(at)} ${year(at)}`);
  return {
    time,
    date,
    day,
    full: (at) => `${short(at)} ${year(at)} ${time(at)}`,
    seconds: format({ hour: '2-digit', minute: '2-digit', second: '2-digit' }),
    moment: (at) => `${day(at)} ${time(at)}`,
    minuteOfDay: (at) => {
      const [hours, minutes] = time(at).split(':').map(Number);
      return (hours ?? 0) * 60 + (minutes ?? 0);
    },
  };
}

const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z/g;
const WATTS = /(?<![\d.,])(\d+(?:\.\d+)?) (mW|W)\b/g;

/** The site's own words as people read them: instants in its zone, powers in their usual units. */
export function said(text: string, timeZone: string): string {
  const clock = civil(timeZone);
  return text
    .replace(INSTANT, (at) => (Number.isNaN(Date.parse(at)) ? at : clock.moment(at)))
    .replace(WATTS, (_, figure: string, unit: string) => watts(Number(figure) / (unit === 'mW' ? 1_000 : 1)));
}
