// The API's shapes, as docs/openapi.json has them. What is not known is null, never zero.
import type { BudgetView, BillingPeakView } from './types-sums';

export interface LimitView {
  limit_kw: number;
  source: string;
  until: string | null;
}

export interface ChangeView {
  at: string;
  limit_kw: number;
  text: string;
}

export interface MoneyView {
  currency: string;
  cost_per_h: number | null;
  revenue_per_h: number | null;
  margin_per_h: number | null;
  cost_today: number;
  revenue_today: number;
  margin_today: number;
  energy_today_kwh: number;
  unmetered_s: number;
  unpriced_s: number;
}

export interface CountsView {
  running: number;
  rising: number;
  falling: number;
  asleep: number;
  cut: number;
  failed: number;
  unknown: number;
  total: number;
}

export interface AdviceView {
  stop: number;
  start: number;
}

export interface KeptOutView {
  model: string;
  /** From when on it is kept out no more; null: all the hours that are planned. */
  until: string | null;
}

import type { HoldView } from './types-holds';

/** The plan for the hours ahead, or why there is none. */
export interface AheadView {
  state: 'in_force' | 'too_old' | 'none';
  why: string | null;
  made_at: string | null;
  age_s: number | null;
  reaches: string | null;
  holds_until: string | null;
  /** Over acting hour by hour, in the site's currency. */
  more: number | null;
  more_percent: number | null;
  keeps_out: KeptOutView[];
}

export interface HallView {
  id: string;
  authority: string;
  power_kw: number | null;
  metered: boolean;
  limit_kw: number | null;
  source: string | null;
  counts: CountsView;
  block: string | null;
  advice: AdviceView | null;
}

export interface FansView {
  id: string;
  circuit: string;
  closed: number | null;
  contactors: number;
  state: string;
}

export interface CommandsView {
  issued: number;
  confirmed: number;
  refused: number;
  unanswered: number;
  timed_out: number;
  superseded: number;
  sleeps_issued: number;
  sleeps_confirmed: number;
  wakes_issued: number;
  wakes_confirmed: number;
  meter_agrees: number;
  meter_disagrees: number;
  meter_cannot_tell: number;
}

export interface PointView {
  at: string;
  power_kw: number | null;
  limit_kw: number | null;
  source: string | null;
}

export interface DecisionView {
  at: string;
  text: string;
}

export interface SiteView {
  site: string;
  name: string;
  at: string;
  time_zone: string;
  speed: number;
  transport: string;
  power_kw: number | null;
  power_age_s: number | null;
  /** The id of the circuit that is the connection to the grid. */
  connection: string;
  limit: LimitView | null;
  next: ChangeView | null;
  block: string | null;
  hash_rate_ths: number | null;
  efficiency_j_per_th: number | null;
  money: MoneyView | null;
  counts: CountsView;
  halls: HallView[];
  fans: FansView[];
  ahead: AheadView;
  budgets: BudgetView[];
  peak: BillingPeakView | null;
  /** From one reading of a machine to the next. */
  held: number;
  restart_due: boolean;
  read_every_s: number;
  commands: CommandsView;
  decisions: DecisionView[];
  alarms: string[];
  checker_vetoes: number;
  trace: PointView[];
}

export interface MachineView {
  id: string;
  model: string;
  owner: string;
  hall: string;
  circuit: string;
  address: string | null;
  mac: string | null;
  serial: string | null;
  firmware: string | null;
  state: string;
  target: string;
  reason: string;
  advice: string | null;
  trouble: string | null;
  age_s: number | null;
  power_w: number | null;
  hash_rate_ths: number | null;
  temperature_c: number | null;
  command: string | null;
  has_outlet: boolean;
  fans: string[];
  held: HoldView | null;
}

/** Why a machine is as it is. */
export interface WhyView {
  machine: string;
  state: string;
  target: string;
  reason: string;
  rank: number;
  machines: number;
  binds_at: string | null;
  binds: LimitView | null;
  room_kw: number | null;
  needs_kw: number;
  changes: string[];
  earns_again: string | null;
}

export interface MachinePage {
  at: string;
  total: number;
  next: string | null;
  machines: MachineView[];
}

export interface CommandRecord {
  generation: number;
  action: string;
  at: string;
  state: string;
  detail: string | null;
}

export interface CircuitView {
  id: string;
  kind: string;
  parent: string | null;
  authority: string;
  rating_kw: number | null;
  meter: string | null;
  power_kw: number | null;
  upper_kw: number | null;
  floor_kw: number | null;
  limit: LimitView | null;
  block: string | null;
  counts: CountsView;
}

export interface Explanation {
  circuit: string;
  at: string;
  binding: LimitView | null;
  next: LimitView | null;
  block: string | null;
  above: [string, LimitView | null][];
  power_kw: number | null;
  floor_kw: number | null;
  changes_at: string;
  margin_kw: number | null;
  catalogue_percent: number | null;
  fans: string[];
  every: [string, LimitView][];
}

/** What is allowed over a time. */
export interface SpanView {
  from: string;
  until: string;
  limit_kw: number | null;
  source: string | null;
  block: string | null;
}

export interface StopView {
  circuit: string;
  at: string;
  reason: string;
}

export interface LockoutView {
  circuit: string;
  at: string;
  by: string;
}

export interface OrderView {
  id: number;
  kind: string;
  circuit: string;
  limit_kw: number;
  setpoint: boolean;
  mean_min: number | null;
  from: string;
  until: string | null;
  by: string | null;
  reason: string | null;
}

export interface DirectivesView {
  stops: StopView[];
  lockouts: LockoutView[];
  orders: OrderView[];
}

export interface PreviewView {
  order: OrderView;
  begins: string;
  before_kw: number;
  after_kw: number;
  /** Each machine that would stop, and why. */
  stops: [string, string][];
  starts: string[];
  takes_s: number;
  cost_per_h: number | null;
  cost: number | null;
  currency: string;
  /** What would bind at the circuit: the order itself, or what is tighter still. */
  binds: LimitView | null;
  /** Why the limit cannot be met, if so. */
  unmet: string | null;
}

/** One stretch of the calendar. */
export interface CalendarView {
  from: string;
  until: string;
  binding: LimitView | null;
  at: string | null;
  next: LimitView | null;
  block: string | null;
  power_price: number | null;
}

export interface FloorView {
  circuits: string[];
  models: string[];
  owners: string[];
  id: string[];
  circuit: number[];
  model: number[];
  owner: number[];
}

export interface StatesView {
  at: string;
  state: string;
  temperature_c?: (number | null)[];
  power_w?: (number | null)[];
  efficiency_dj_per_th?: (number | null)[];
  age_s?: (number | null)[];
}

export interface Me {
  name: string;
  role: string;
  owner: string | null;
  permissions: string[];
  csrf: string | null;
  site: string;
  site_name: string;
  time_zone: string;
  at: string;
  speed: number;
}

/** That it was done, in words. */
export interface Done {
  done: string;
}

export interface StopDone {
  done: string;
  not_in_book: string | null;
}

export interface SignedIn {
  name: string;
  csrf: string;
}

export interface PersonView {
  name: string;
  role: string;
  owner: string | null;
  has_password: boolean;
  disabled: boolean;
  at: string;
}

export interface TokenView {
  id: number;
  person: string;
  name: string;
  scopes: string[];
  at: string;
  expires_at: string | null;
  revoked_at: string | null;
}

export interface AuditView {
  seq: number;
  at: string;
  who: string;
  what: string;
  subject: string;
  why: string;
  hash: string;
}
