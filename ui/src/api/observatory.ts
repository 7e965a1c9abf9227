// The observatory's shapes, as docs/openapi.json has them, and its routes. What is not known is null, never zero.
import { address, ask } from './client';

export interface AssumptionView {
  can_be_set: boolean;
  default: string;
  key: string;
  source: string;
  unit: string;
  value: string;
}

export interface BandView {
  guess: number;
  lower: number | null;
  upper: number;
}

export interface InputsView {
  catalogue_fingerprint: string;
  catalogue_models: number;
  catalogue_source: string;
  network_fees_to: string | null;
  network_fingerprint: string;
  network_first: string | null;
  network_last: string | null;
  network_price_to: string | null;
  network_source: string;
}

export interface IndexView {
  assumptions: AssumptionView[];
  date: string[];
  days: number[];
  guess_gw: number[];
  guess_twh: number[];
  inputs: InputsView;
  label: string;
  lower_gw: (number | null)[];
  lower_twh: (number | null)[];
  method: string;
  upper_gw: number[];
  upper_twh: number[];
}

export interface PricedView {
  date: string[];
  guess_twh: number[];
  latest_guess_gw: number | null;
  lower_twh: (number | null)[];
  models: number;
  models_paying: number | null;
  price_usd_per_kwh: number;
  upper_twh: number[];
  worst_paying_j_per_th: number | null;
}

export interface NetworkView {
  fees_to: string | null;
  fingerprint: string;
  first: string | null;
  last: string | null;
  price_to: string | null;
  source: string;
}

export interface HashPriceView {
  assumptions: AssumptionView[];
  date: string[];
  fee_share: (number | null)[];
  mean_days: number;
  network: NetworkView;
  sat_per_th_day: number[];
  usd_per_th_day: (number | null)[];
}

export interface LifeView {
  days: number;
  days_paid: number;
  efficiency_j_per_th: number;
  first_given_up: string | null;
  first_paid: string | null;
  model: string;
  pays_now: boolean;
  release: string;
  shutdown_now_usd_per_kwh: number | null;
  stopped: string | null;
}

export interface ClassView {
  best_usd_per_kwh: number | null;
  from_j_per_th: number;
  models: number;
  to_j_per_th: number;
  worst_usd_per_kwh: number | null;
}

export interface BreakevenView {
  assumptions: AssumptionView[];
  classes: ClassView[];
  models: LifeView[];
  network: NetworkView;
  now: string | null;
  power_usd_per_kwh: number;
  usd_per_th_day: number | null;
  worst_paying_j_per_th: number | null;
}

export interface ResidualView {
  assumptions: AssumptionView[];
  cost_usd: number;
  days_on: number;
  income_usd: number;
  last_paying_day: number | null;
  start: string;
  usd_per_th: number;
  value_usd: number;
}

export interface ChainView {
  assumptions: AssumptionView[];
  date: string[];
  difficulty: number[];
  fees_to: string | null;
  from_header: boolean[];
  halves_at: number;
  hash_rate_ths: (number | null)[];
  height: number[];
  price_from: string | null;
  price_to: string | null;
  sources: string;
  subsidy_sat: number;
}

export interface SourceView {
  error: string;
  key: string;
  licence: string;
  periods: string[];
  sample_high_percent: number | null;
  sample_low_percent: number | null;
  source: string;
  title: string;
  url: string;
}

export interface PlaceView {
  g_per_kwh: number | null;
  generation_year: number | null;
  gw: BandView | null;
  intensity_year: number | null;
  marked: boolean;
  mt_per_year: BandView | null;
  name: string;
  percent_of_generation: number | null;
  place: string;
  rank: number | null;
  share_percent: number;
}

export interface OverviewView {
  assumptions: AssumptionView[];
  covered_percent: number;
  ewaste_kt_per_year: number | null;
  g_per_kwh: number | null;
  network_gw: BandView | null;
  not_reported_percent: number;
  period: string;
  places: PlaceView[];
  series: string;
}

export interface WorldView {
  method: string;
  sources: SourceView[];
  tables: OverviewView[];
}

export interface ShareChangeView {
  after_percent: number;
  before_percent: number;
  name: string;
  place: string;
}

export interface FlowView {
  amount: number;
  from: string;
  from_name: string;
  to: string;
  to_name: string;
}

export interface UnitFlowsView {
  flows: FlowView[];
  network_after: number;
  network_before: number;
  unit: string;
}

export interface SeriesFlowsView {
  changes: ShareChangeView[];
  reported_once: string[];
  series: string;
  units: UnitFlowsView[];
}

export interface FlowsView {
  assumptions: AssumptionView[];
  from_period: string;
  series: SeriesFlowsView[];
  to_period: string;
}

export interface BalanceView {
  demand_twh: number;
  generation_twh: number;
  series: string;
  source: string;
  surplus_twh: number;
}

export interface PeakView {
  from_year: number;
  generation_mw: number;
  load_mw: number;
  published: boolean;
  source: string;
}

export interface EstimateView {
  estimate: string;
  gw: number;
  percent_of_demand: number;
  percent_of_generation: number;
  percent_of_peak: number | null;
  period: string;
  source: string;
  surplus_without_twh: number;
  title: string;
}

export interface EventView {
  from: string;
  mw: number | null;
  source: string;
  to: string;
  what: string;
}

export interface NationYearView {
  balances: BalanceView[];
  events: EventView[];
  g_per_kwh: number | null;
  mining: EstimateView[];
  mix_twh: Record<string, number>;
  mix_year: number | null;
  peak: PeakView | null;
  year: number;
}

export interface ClaimRowView {
  claim_over_estimate: number;
  estimate: string;
  gw: number;
  percent_of_generation: number;
  title: string;
}

export interface ClaimView {
  against: ClaimRowView[];
  claim_gw: number;
  claim_percent: number;
  year: number;
}

export interface ShareView {
  period: string;
  rank: number | null;
  series: string;
  share_percent: number;
}

export interface AgainstView {
  percent: BandView | null;
  source: string;
  what: string;
  year: number;
}

export interface EmissionsView {
  by: string;
  g_per_kwh: number;
  tonnes_per_year: BandView;
}

export interface MarketView { by: string; contracted_mwh: number; location_tonnes: number; residual_mwh: number; tonnes: number; unused_mwh: number }

export interface LoadOfCountryView {
  against: AgainstView[];
  emissions: EmissionsView[];
  gw: BandView;
  market: MarketView[];
  method: string;
  period: string;
  series: string;
  share_percent: number;
  twh_per_year: BandView;
}

export interface CountryView {
  assumptions: AssumptionView[];
  claim: ClaimView | null;
  country: string;
  loads: LoadOfCountryView[];
  name: string;
  shares: ShareView[];
  years: NationYearView[];
}

export interface TotalsView {
  deficit_hours: number;
  deficit_kwh: number;
  demand_kwh: number;
  export_kwh: number;
  generation_kwh: number;
  highest_import_kw: number;
  highest_load_kw: number;
  import_hours: number;
  import_kwh: number;
  least_reserve_kw: number;
  tonnes_co2e: number;
  unserved_hours: number;
  unserved_kwh: number;
}

export interface HourView {
  changed_demand_mw: number;
  changed_generation_mw: number;
  demand_mw: number;
  generation_mw: number;
}

export interface BracketView {
  base: TotalsView;
  by_hour: HourView[];
  capacity: string;
  changed: TotalsView;
  stretch: number;
  told: string;
  tonnes_more: number;
}

export interface WhatIfView {
  active_hours: number;
  assumptions: AssumptionView[];
  brackets: BracketView[];
  change_kwh: number;
  change_mw: number;
  country: string;
  hours: string;
  hours_of_week: number;
  peak: PeakView;
  shape: string;
  year: number;
}

/** How a method is asked for. */
export type MethodAsked = {
  method: string;
  revision?: string | null;
  parity?: boolean | null;
  price?: number | null;
  set?: string | null;
};
type Query = Record<string, string | number | boolean | null | undefined>;

const BASE = '/observatory';
function get<T>(path: string, query: Query, signal?: AbortSignal): Promise<T> {
  return ask<T>(`${BASE}${path}`, { query, ...(signal ? { signal } : {}) });
}

/** Where an answer stands, for a link that saves it. */
export function file(path: string, query: Query): string {
  return address(`${BASE}${path}`, query);
}

export const observatory = {
  index: (asked: MethodAsked, every: 'day' | 'week' | 'month', from: string) => get<IndexView>('/index', { ...asked, every, from }),
  slider: (asked: Omit<MethodAsked, 'method'>) => get<PricedView>('/slider', { ...asked, step: 7 }),
  hashPrice: (mean: number, step: number) => get<HashPriceView>('/hashprice', { mean_days: mean, step }),
  breakeven: (asked: Query) => get<BreakevenView>('/breakeven', asked),
  residual: (asked: Query) => get<ResidualView>('/residual', asked),
  chain: () => get<ChainView>('/chain', {}),
  world: (asked: Query) => get<WorldView>('/world', asked),
  flows: (asked: Query) => get<FlowsView>('/flows', asked),
  country: (code: string, claim: number) => get<CountryView>(`/countries/${encodeURIComponent(code)}`, { claim }),
  whatIf: (code: string, asked: Query) => get<WhatIfView>(`/countries/${encodeURIComponent(code)}/what-if`, asked),
};
