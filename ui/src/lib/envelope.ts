// Measured power and what is allowed as series for a chart, and the sources of limits as a strip below it.
import type { PointView, SpanView } from '../api/types';

type Column = (number | null)[];

/** Without a point for so long the line is broken: a silence is a gap, never a bridge. */
const GAP_S = 900;

/** Times in seconds, limits and measured power: the past from the trace, what comes from the spans. */
export function series(trace: readonly PointView[], spans: readonly SpanView[], now: number): [number[], Column, Column] {
  const at: number[] = [];
  const limit: Column = [];
  const measured: Column = [];
  const put = (time: number, allowed: number | null, power: number | null): void => {
    const last = at.at(-1);
    if (last !== undefined && time <= last) return;
    at.push(time);
    limit.push(allowed);
    measured.push(power);
  };
  for (const point of trace) {
    const time = Math.floor(Date.parse(point.at) / 1000);
    if (time > now) break;
    const last = at.at(-1);
    if (last !== undefined && time - last > GAP_S) put(last + 1, null, null);
    put(time, point.limit_kw, point.power_kw);
  }
  for (const span of spans) {
    const [from, until] = [Date.parse(span.from) / 1000, Date.parse(span.until) / 1000];
    if (until <= now) continue;
    put(Math.max(Math.floor(from), now), span.limit_kw, null);
    put(Math.floor(until) - 1, span.limit_kw, null);
  }
  return [at, limit, measured];
}

export interface Piece {
  /** Where it begins and how wide it is, as shares of the whole. */
  left: number;
  width: number;
  from: string;
  source: string;
  tone: 'plain' | 'order' | 'stop' | 'open';
}

function toneOf(span: SpanView): Piece['tone'] {
  const source = span.source ?? '';
  const block = span.block ?? '';
  if ([source, block].some((words) => words.includes('stop') || words.includes('lockout'))) return 'stop';
  if (source.includes('order')) return 'order';
  return source === 'contract' ? 'open' : 'plain';
}

/** What bound in the past, as spans: the trace's own word, not what is in force now. */
export function past(trace: readonly PointView[], now: number): SpanView[] {
  const spans: SpanView[] = [];
  const end = new Date(now * 1000).toISOString();
  for (const point of trace) {
    const last = spans.at(-1);
    if (last) last.until = point.at;
    if (last?.source !== point.source) spans.push({ from: point.at, until: end, limit_kw: point.limit_kw, source: point.source, block: null });
  }
  const last = spans.at(-1);
  if (last) last.until = end;
  return spans;
}

/** What is still to come of them. */
export function coming(spans: readonly SpanView[], now: number): SpanView[] {
  const from = new Date(now * 1000).toISOString();
  return spans.filter((span) => Date.parse(span.until) / 1000 > now).map((span) => (Date.parse(span.from) / 1000 < now ? { ...span, from } : span));
}

/** Neighbouring spans of one source as one piece, clipped to what is shown. */
export function strip(spans: readonly SpanView[], from: number, until: number): Piece[] {
  const pieces: Piece[] = [];
  for (const span of spans) {
    const start = Math.max(from, Date.parse(span.from) / 1000);
    const end = Math.min(until, Date.parse(span.until) / 1000);
    if (end <= start) continue;
    const [left, width] = [(start - from) / (until - from), (end - start) / (until - from)];
    const source = span.source ?? span.block ?? '';
    const tone = toneOf(span);
    const last = pieces.at(-1);
    if (last?.source === source && last.tone === tone && Math.abs(last.left + last.width - left) < 1e-6) last.width += width;
    else pieces.push({ left, width, from: span.from, source, tone });
  }
  return pieces;
}
