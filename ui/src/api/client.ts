// Talks to the site. One place that knows the addresses, the session's word against forged changes, and how the site
// tells an error.
import { words, type OrderKind, type Proposal } from '../lib/order';
import type {
  AuditView,
  CalendarView,
  CircuitView,
  CommandRecord,
  DirectivesView,
  Done,
  Explanation,
  FloorView,
  MachinePage,
  MachineView,
  Me,
  OrderView,
  PersonView,
  PreviewView,
  SignedIn,
  SiteView, StopDone,
  SpanView,
  StatesView,
  TokenView,
  WhyView,
} from './types';
import type { AlertsView, AlertView } from './types-alerts';
import type { HoldPreviewView, HoldView } from './types-holds';
import type { BackupView, LookView, MinutesView, OrderDeedsView, ReportView, ScanView, VerificationView } from './types-records';
import type { SiteCheckView, SiteWrittenView } from './types-site-file';

const BASE = '/api/v1';

/** How the site says no: RFC 9457 problem details. */
export class Refusal extends Error {
  readonly status: number;
  readonly kind: string;
  readonly hint: string | null;

  constructor(status: number, kind: string, detail: string, hint: string | null) {
    super(detail);
    this.name = 'Refusal';
    this.status = status;
    this.kind = kind;
    this.hint = hint;
  }
}

/** The same refusal in the page's words, if it is of this kind; else the error as it is. */
export function reworded(error: unknown, kind: string, detail: string | null, hint: string): unknown {
  if (!isKind(error, kind)) return error;
  return new Refusal(error.status, error.kind, detail ?? error.message, hint);
}

/** The site did not answer: nobody knows whether what was asked was heard. */
export class Unreachable extends Error {
  /** Whether something was to be changed, and not only read. */
  readonly change: boolean;

  constructor(change: boolean, cause: unknown) {
    super('the site does not answer', { cause });
    this.name = 'Unreachable';
    this.change = change;
  }
}

/** Who wants to hear whether the site answers. */
let onAnswer: (answers: boolean) => void = () => undefined;
export function watchAnswers(watcher: (answers: boolean) => void): void {
  onAnswer = watcher;
}

/** Who looks after the session. */
export interface Keeper {
  /** The site no longer knows who asks. */
  ended: () => void;
  /** Asks anew for the session's own word; whether the same person is still signed in. */
  renewed: () => Promise<boolean>;
}
let keeper: Keeper = { ended: () => undefined, renewed: () => Promise.resolve(false) };
export function keepSession(by: Keeper): void {
  keeper = by;
}

let csrf: string | null = null;
const kept = new Map<string, { etag: string; body: unknown }>();
/** Answers kept for the next time, at most. */
const KEPT_MAX = 24;

interface Options {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  query?: Record<string, string | number | boolean | null | undefined>;
  body?: unknown;
  signal?: AbortSignal;
  /** An order that is sent twice is carried out once. */
  idempotency?: string;
  /** Only if what was read is still what is there. */
  match?: string;
}

/** An address of the API with what is asked for. */
export function address(path: string, query: Options['query'] = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(key, String(value));
  }
  const text = search.toString();
  return `${BASE}${path}${text === '' ? '' : `?${text}`}`;
}

/** One part of a path. */
const part = encodeURIComponent;

/** What is posted to be judged and changes nothing. */
const JUDGED = /\/(preview|check)$/;
/** How a gateway before the site says that it reaches no site. */
const GATEWAY: readonly number[] = [502, 503, 504];

/** Sends a request and reads what comes back, or finds that nothing does. */
async function send(url: string, init: RequestInit): Promise<{ response: Response; text: string }> {
  const change = (init.method ?? 'GET') !== 'GET' && !JUDGED.test(url);
  try {
    const response = await fetch(url, { credentials: 'same-origin', cache: 'no-store', ...init });
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    if (GATEWAY.includes(response.status) && !type.includes('json')) throw new TypeError(`a gateway says ${response.status}`);
    onAnswer(true);
    return { response, text };
  } catch (error) {
    // What was given up on purpose says nothing of the site; that nothing came in time does.
    if (error instanceof Error && error.name === 'AbortError') throw error;
    onAnswer(false);
    throw new Unreachable(change, error);
  }
}

function isKind(error: unknown, kind: string): error is Refusal {
  return error instanceof Refusal && error.kind.endsWith(`:${kind}`);
}

/** What was refused. That nobody is signed in any more concerns more than who asked; who asks for that hears it themselves. */
function refused(response: Response, text: string, path: string): Refusal {
  const found = refusal(response, text);
  if (path !== '/me' && isKind(found, 'unknown-caller')) keeper.ended();
  return found;
}

function refusal(response: Response, text: string): Refusal {
  try {
    const problem = JSON.parse(text) as { type?: string; detail?: string; hint?: string; title?: string };
    const detail = problem.detail ?? problem.title ?? response.statusText;
    return new Refusal(response.status, problem.type ?? '', detail, problem.hint ?? null);
  } catch {
    return new Refusal(response.status, '', text.slice(0, 200) || response.statusText, null);
  }
}

/** Asks the site. A change that was refused for the session's word was not carried out: it is sent once more with the word of now. */
export async function ask<T>(path: string, options: Options = {}): Promise<T> {
  try {
    return await askOnce<T>(path, options);
  } catch (error) {
    if (!isKind(error, 'forged')) throw error;
    if (await keeper.renewed()) return askOnce<T>(path, options);
    throw new Refusal(error.status, error.kind, 'the session has changed; nothing was carried out', 'look who is signed in here, and try again');
  }
}

async function askOnce<T>(path: string, options: Options): Promise<T> {
  const method = options.method ?? 'GET';
  const url = address(path, options.query);
  const headers: Record<string, string> = { accept: 'application/json' };
  const before = method === 'GET' ? kept.get(url) : undefined;
  if (before) headers['if-none-match'] = before.etag;
  if (method !== 'GET' && csrf !== null) headers['x-csrf-token'] = csrf;
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  if (options.match !== undefined) headers['if-match'] = `"${options.match}"`;
  if (options.idempotency !== undefined) headers['idempotency-key'] = options.idempotency;
  const { response, text } = await send(url, {
    method,
    headers,
    body: options.body === undefined ? null : JSON.stringify(options.body),
    signal: options.signal ?? null,
  });
  if (response.status === 304 && before) return before.body as T;
  if (!response.ok) throw refused(response, text, path);
  const body = (text === '' ? null : JSON.parse(text)) as T;
  const etag = response.headers.get('etag');
  if (method === 'GET' && etag !== null) {
    kept.delete(url);
    kept.set(url, { etag, body });
    const oldest = kept.keys().next();
    if (kept.size > KEPT_MAX && !oldest.done) kept.delete(oldest.value);
  }
  return body;
}

/** A text and its tag. */
async function askText(path: string): Promise<{ text: string; tag: string }> {
  const { response, text } = await send(address(path), {});
  if (!response.ok) throw refused(response, text, path);
  return { text, tag: (response.headers.get('etag') ?? '').replaceAll('"', '') };
}

/** What to list. */
export interface MachineFilter {
  hall?: string | null;
  circuit?: string | null;
  state?: string | null;
  owner?: string | null;
  model?: string | null;
  trouble?: boolean | null;
  held?: boolean | null;
  search?: string | null;
  sort?: string | null;
  descending?: boolean | null;
}

/** Whoever stops must know soon that it did not work, and so must whoever waits for their session's word to do so. */
const ANSWER_WITHIN_MS = 10_000;

/** What the API knows. */
export const api = {
  me: () => ask<Me>('/me', { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }),
  /** Changes are in their name from now on. */
  actAs: (me: Me): void => {
    csrf = me.csrf;
  },
  /** Forgets who was signed in, and whatever they were shown. */
  forget: (): void => {
    csrf = null;
    kept.clear();
  },
  site: (tracePoints: number) => ask<SiteView>('/site', { query: { trace: tracePoints } }),
  machines: (filter: MachineFilter, skip: number, limit: number, signal?: AbortSignal) =>
    ask<MachinePage>('/machines', { query: { ...filter, skip: skip === 0 ? null : skip, limit }, ...(signal ? { signal } : {}) }),
  machine: (id: string) => ask<MachineView>(`/machines/${part(id)}`),
  history: (id: string, limit = 100) => ask<CommandRecord[]>(`/machines/${part(id)}/history`, { query: { limit } }),
  why: (id: string) => ask<WhyView>(`/machines/${part(id)}/why`),
  minutes: (id: string, from: string, until: string) => ask<MinutesView>(`/machines/${part(id)}/minutes`, { query: { from, until } }),
  look: (id: string) => ask<LookView>(`/machines/${part(id)}/look`),
  light: (id: string, on: boolean) => ask<Done>(`/machines/${part(id)}/light`, { method: 'PUT', body: { on } }),
  restart: (id: string, reason: string) => ask<Done>(`/machines/${part(id)}/restart`, { method: 'POST', body: { reason } }),
  pools: (id: string, pools: { url: string; user: string; password: string }[], reason: string) =>
    ask<Done>(`/machines/${part(id)}/pools`, { method: 'PUT', body: { pools, reason } }),
  report: (about: string, query: { by: string; from: string; to: string }) => ask<ReportView>(`/reports/${about}`, { query }),
  verifyAudit: () => ask<VerificationView>('/audit/verification'),
  backups: () => ask<BackupView[]>('/backups'),
  backUp: (reason: string) => ask<BackupView>('/backups', { method: 'POST', query: { reason } }),
  scan: (ranges: string[], reason: string) => ask<ScanView>('/scans', { method: 'POST', body: { ranges, reason } }),
  lastScan: async () => (await ask<ScanView[]>('/scans'))[0] ?? null,
  endScan: () => ask<ScanView>('/scans/last', { method: 'DELETE' }),
  blinkFound: (at: string, on: boolean) => ask<Done>(`/scans/last/found/${part(at)}/light`, { method: 'PUT', body: { on } }),
  siteFile: () => askText('/site/file'),
  checkSite: (text: string) => ask<SiteCheckView>('/site/check', { method: 'POST', body: { text } }),
  writeSite: (text: string, tag: string, reason: string) =>
    ask<SiteWrittenView>('/site/file', { method: 'PUT', body: { text, reason }, match: tag }),
  floor: () => ask<FloorView>('/floor'),
  states: (columns: string) => ask<StatesView>('/floor/states', { query: { columns } }),
  circuits: () => ask<CircuitView[]>('/circuits'),
  explain: (circuit: string, at?: string) => ask<Explanation>(`/circuits/${part(circuit)}/explanation`, { query: { at } }),
  calendar: async (circuit: string | null, days: number): Promise<SpanView[]> => {
    const rows = await ask<CalendarView[]>('/calendar', { query: { circuit, days } });
    return rows.map(({ from, until, binding, block }) => ({ from, until, limit_kw: binding?.limit_kw ?? null, source: binding?.source ?? null, block }));
  },
  directives: () => ask<DirectivesView>('/directives'),
  preview: (proposal: Proposal, kind: OrderKind = 'wish') =>
    ask<PreviewView>('/orders/preview', { method: 'POST', body: { words: words(proposal), kind } }),
  order: (proposal: Proposal, kind: OrderKind, reason: string, idempotency: string) =>
    ask<OrderView>('/orders', { method: 'POST', body: { words: words(proposal), kind, reason }, idempotency }),
  liftOrder: (id: number, reason: string) => ask<Done>(`/orders/${id}`, { method: 'DELETE', query: { reason } }),
  orderHistory: (before: number | null, limit: number) => ask<OrderDeedsView>('/orders/history', { query: { before, limit } }),
  holds: () => ask<HoldView[]>('/holds'),
  previewHold: (machines: string[], until: string | null) => ask<HoldPreviewView>('/holds/preview', { method: 'POST', body: { machines, until } }),
  hold: (machines: string[], reason: string, until: string | null, idempotency: string) =>
    ask<Done>('/holds', { method: 'POST', body: { machines, reason, until }, idempotency }),
  release: (machines: string[], reason: string) => ask<Done>('/holds/release', { method: 'POST', body: { machines, reason } }),
  stop: (circuit: string | null, reason: string, idempotency: string) =>
    ask<StopDone>('/stops', { method: 'POST', body: { circuit, reason }, idempotency, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }),
  resume: (circuit: string | null, reason: string) => ask<Done>('/stops', { method: 'DELETE', query: { circuit, reason } }),
  lockout: (circuit: string, by: string | null, reason: string) =>
    ask<Done>('/lockouts', { method: 'POST', body: { circuit, by, reason } }),
  liftLockout: (circuit: string, manager: boolean, reason: string) =>
    ask<Done>('/lockouts', { method: 'DELETE', query: { circuit, manager, reason } }),
  signIn: (name: string, password: string) => ask<SignedIn>('/session', { method: 'POST', body: { name, password } }),
  signOut: () => ask('/session', { method: 'DELETE' }),
  setUp: (key: string, password: string) => ask<SignedIn>('/setup', { method: 'POST', body: { key, password } }),
  changePassword: (old: string, fresh: string) => ask<SignedIn>('/me/password', { method: 'PUT', body: { old, new: fresh } }),
  people: () => ask<PersonView[]>('/people'),
  addPerson: (name: string, role: string, owner: string | null, reason: string) =>
    ask<{ link: string }>('/people', { method: 'POST', body: { name, role, owner, reason } }),
  changePerson: (name: string, change: { role?: string; disabled?: boolean; reason: string }) =>
    ask(`/people/${part(name)}`, { method: 'PATCH', body: change }),
  link: (name: string, reason: string) => ask<{ link: string }>(`/people/${part(name)}/link`, { method: 'POST', body: { reason } }),
  tokens: () => ask<TokenView[]>('/tokens'),
  addToken: (name: string, scopes: string[], expires: string, reason: string) =>
    ask<{ id: number; token: string }>('/tokens', { method: 'POST', body: { name, scopes, expires_at: expires, reason } }),
  revokeToken: (id: number, reason: string) => ask(`/tokens/${id}`, { method: 'DELETE', query: { reason } }),
  alerts: () => ask<AlertsView>('/alerts'),
  alertsOver: () => ask<AlertView[]>('/alerts/history'),
  acknowledge: (id: number, note: string) => ask(`/alerts/${id}/acknowledgement`, { method: 'POST', query: { reason: note === '' ? null : note } }),
  snooze: (id: number, minutes: number, note: string) => ask(`/alerts/${id}/snooze`, { method: 'POST', body: { minutes, reason: note === '' ? null : note } }),
  testChannel: (name: string) => ask(`/alerts/channels/${part(name)}/test`, { method: 'POST' }),
  audit: (before: number | null, limit: number) => ask<AuditView[]>('/audit', { query: { before, limit } }),
  authority: (hall: string, authority: 'observe' | 'control', reason: string) =>
    ask<Done>(`/halls/${part(hall)}/authority`, { method: 'PUT', body: { authority, reason } }),
};
