// Power against its limit over time, as the browser keeps it: a day and some in bounded memory. As it grows, the grid it lies on gets
// coarser, as at the site, so that its older part is kept and only its detail goes.
import type { PointView } from '../api/types';

/** The finest grid. */
const FINEST_S = 10;
/** How far back it reaches: what the chart shows, and an hour. */
const REACH_S = 25 * 3_600;
/** Points kept at most. */
const POINTS_MAX = 4_096;

export interface Trace {
  /** Oldest first, one a cell of the grid. */
  points: readonly PointView[];
  everyS: number;
}

const seconds = (point: PointView): number => Date.parse(point.at) / 1_000;

/** What the site has read out. */
export function traceOf(points: readonly PointView[]): Trace {
  return { points, everyS: FINEST_S };
}

/** One point a cell, the first; but a silence is not thinned away. Puts it at the end of `points`, and says whether that changed them. */
function put(points: PointView[], point: PointView, everyS: number): boolean {
  const cell = (of: PointView): number => Math.floor(seconds(of) / everyS);
  const last = points.at(-1);
  if (last === undefined || cell(last) !== cell(point)) points.push(point);
  else if (last.power_kw !== null && point.power_kw === null) points[points.length - 1] = point;
  else return false;
  return true;
}

function thinned(points: readonly PointView[], everyS: number): PointView[] {
  const kept: PointView[] = [];
  for (const point of points) put(kept, point, everyS);
  return kept;
}

/** The trace with the newest point; the same one where the point tells nothing new. */
export function added(trace: Trace, point: PointView): Trace {
  const last = trace.points.at(-1);
  // What is newer than the newest is of another run of the site, whose clock was ahead.
  let points = last !== undefined && seconds(last) > seconds(point) ? trace.points.filter((of) => seconds(of) <= seconds(point)) : [...trace.points];
  if (!put(points, point, trace.everyS) && points.length === trace.points.length) return trace;
  const from = seconds(point) - REACH_S;
  const first = points.findIndex((of) => seconds(of) >= from);
  if (first > 0) points = points.slice(first);
  let { everyS } = trace;
  while (points.length > POINTS_MAX) {
    everyS *= 2;
    points = thinned(points, everyS);
  }
  return { points, everyS };
}

/** What the site has, put in place of what was kept of the same time: it saw what was measured while nobody listened. Before it began, and since, the kept stands. */
export function joined(read: readonly PointView[], kept: Trace): Trace {
  const [first, last] = [read[0], read.at(-1)];
  if (first === undefined || last === undefined) return kept;
  const before = kept.points.filter((of) => seconds(of) < seconds(first));
  const since = kept.points.filter((of) => seconds(of) > seconds(last));
  return since.reduce(added, { points: [...before, ...read], everyS: kept.everyS });
}
