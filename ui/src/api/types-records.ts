// The API's shapes of what was recorded and of machines seen by hand, as docs/openapi.json has them.

export interface MeteredView {
  metered_wh: number | null;
  rest_wh: number | null;
  missing_s: number;
  measured_s: number;
  register_s: number;
  estimated_s: number;
}

/** A cell of a report: a name, a whole number, or not known. */
export type ReportCell = string | number | null;

export interface ReportView {
  about: string;
  by: string[];
  from: string;
  until: string;
  time_zone: string;
  columns: string[];
  lines: Record<string, ReportCell>[];
  metered: MeteredView | null;
}

export interface MinutesView {
  machine: string;
  step_s: number;
  at: string[];
  power_w: (number | null)[];
  said_w: (number | null)[];
  hash_rate_ths: (number | null)[];
  hashing: (number | null)[];
}

export interface VerificationView {
  holds: boolean;
  entries: number;
  head: string | null;
  checkpoints: number;
  signed_up_to: number;
  keys: string[];
  expected_key: string | null;
  fault: string | null;
}

export interface BackupView {
  name: string;
  at: string;
  bytes: number;
}

export interface FoundView {
  address: string;
  port: number;
  family: string | null;
  model: string | null;
  mac: string | null;
  serial: string | null;
  firmware: string | null;
  note: string | null;
  machine: string | null;
}

export interface ScanView {
  id: number;
  ranges: string[];
  began: string;
  state: string;
  trouble: string | null;
  asked: number;
  of: number;
  machines: number;
  found: FoundView[];
}

export interface LookView {
  understood: Record<string, string>;
  details: Record<string, unknown> | null;
  functions: Record<string, string>;
  transcript: string;
}

/** Something ordered or lifted, as the audit chain has it. */
export interface OrderDeedView {
  seq: number;
  at: string;
  who: string;
  what: string;
  subject: string;
  why: string;
}

/** A page of what was ordered and lifted. */
export interface OrderDeedsView {
  deeds: OrderDeedView[];
  next: number | null;
}
