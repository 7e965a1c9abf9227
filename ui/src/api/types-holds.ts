// Shapes of the API: single machines that somebody holds off.

/** A machine that somebody holds off. */
export interface HoldView {
  machine: string;
  at: string;
  until: string | null;
  by: string | null;
  reason: string | null;
}

/** What holding machines off would do, before it is done. */
export interface HoldPreviewView {
  machines: number;
  before_kw: number;
  after_kw: number;
  stops: [string, string][];
  off_already: string[];
  left: [string, string][];
  waiting: number;
  takes_s: number;
  cost_per_h: number | null;
  cost: number | null;
  currency: string;
}
