// Energy budgets and the billing peak, as the API tells them.

/** An energy budget in its running period. */
export interface BudgetView {
  id: string;
  circuit: string;
  per: 'day' | 'week' | 'month';
  from: string;
  until: string;
  state: 'enough' | 'ending' | 'spent';
  energy_kwh: number;
  used_kwh: number;
  /** Of that: what nobody measured. */
  assumed_kwh: number;
  since: string | null;
  left_kwh: number;
  /** Of that: what goes even with everything asleep. */
  reserved_kwh: number;
}

/** The highest mean of the billing month at the connection. */
export interface BillingPeakView {
  from: string;
  until: string;
  minutes: number;
  /** null: not known. */
  peak_kw: number | null;
  at: string | null;
  since: string | null;
  /** How much of the month so far nobody saw. */
  unseen_s: number;
  planned_kw: number | null;
  held: boolean;
}
