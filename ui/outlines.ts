// Outlines of the countries as drawn paths, made when the pages are built, so that no tile server is ever asked.
// From: Natural Earth 1:110m (public domain) as world-atlas packs it (ISC); codes: i18n-iso-countries (MIT), ISO 3166-1.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { feature } from 'topojson-client';
import type { Plugin } from 'vite';

export interface Outline {
  /** Three letters of ISO 3166-1; null where none is agreed on. */
  code: string | null;
  name: string;
  /** An SVG path. */
  path: string;
}
export interface Outlines {
  width: number;
  height: number;
  countries: Outline[];
}

const WIDTH = 1000;
/** Nobody mines there, and it would take a fifth of the picture. */
const LEFT_OUT = 'ATA';
/** Points nearer to each other than this are one, in units of the picture. */
const NEAR = 0.7;

type Point = readonly [number, number];
type Ring = readonly Point[];

/** Equal Earth: Šavrič, Patterson and Jenny, 2018, doi 10.1080/13658816.2018.1504949. Areas keep their sizes. */
export function project([longitude, latitude]: Point): [number, number] {
  const [a1, a2, a3, a4] = [1.340264, -0.081106, 0.000893, 0.003796];
  const lambda = (longitude * Math.PI) / 180;
  const theta = Math.asin((Math.sqrt(3) / 2) * Math.sin((latitude * Math.PI) / 180));
  const t2 = theta * theta;
  const t6 = t2 ** 3;
  const x = (2 * Math.sqrt(3) * lambda * Math.cos(theta)) / (3 * (9 * a4 * t6 * t2 + 7 * a3 * t6 + 3 * a2 * t2 + a1));
  return [x, theta * (a4 * t6 * t2 + a3 * t6 + a2 * t2 + a1)];
}

const [EAST] = project([180, 0]);
const [, NORTH] = project([0, 84]);
const [, SOUTH] = project([0, -56]);
const SCALE = WIDTH / (2 * EAST);

/** The part of a ring on one side of a meridian (Sutherland and Hodgman, 1974). */
function clip(ring: Ring, meridian: number, west: boolean): Point[] {
  const isIn = ([longitude]: Point): boolean => (west ? longitude <= meridian : longitude >= meridian);
  return ring.flatMap((point, n) => {
    const before = ring[(n + ring.length - 1) % ring.length] ?? point;
    const crosses = isIn(point) !== isIn(before);
    const share = (meridian - before[0]) / (point[0] - before[0]);
    const crossing: Point[] = crosses ? [[meridian, before[1] + share * (point[1] - before[1])]] : [];
    return isIn(point) ? [...crossing, point] : crossing;
  });
}

/** A ring that runs over the antimeridian comes as pieces on both edges of the map. */
export function cut(ring: Ring): Point[][] {
  let turns = 0;
  const whole = ring.map(([longitude, latitude], n): Point => {
    const step = longitude - (ring[n - 1]?.[0] ?? longitude);
    if (step > 180) turns -= 360;
    if (step < -180) turns += 360;
    return [longitude + turns, latitude];
  });
  const shifted = (points: Point[], by: number): Point[] => points.map(([longitude, latitude]) => [longitude + by, latitude]);
  const pieces = [clip(clip(whole, 180, true), -180, false), shifted(clip(whole, 180, false), -360), shifted(clip(whole, -180, true), 360)];
  return pieces.filter((piece) => piece.length > 2);
}

function ringPath(ring: Ring): string {
  const points: [number, number][] = [];
  for (const point of ring) {
    const [x, y] = project(point);
    const here: [number, number] = [(x + EAST) * SCALE, (NORTH - y) * SCALE];
    const last = points.at(-1);
    if (!last || Math.hypot(here[0] - last[0], here[1] - last[1]) > NEAR) points.push(here);
  }
  return points.length < 3 ? '' : `M${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join('L')}Z`;
}

/** All countries but the one left out. */
export function outlines(): Outlines {
  const load = (name: string): unknown => JSON.parse(readFileSync(createRequire(import.meta.url).resolve(name), 'utf8'));
  const topology = load('world-atlas/countries-110m.json') as Parameters<typeof feature>[0];
  const codes = new Map((load('i18n-iso-countries/codes.json') as [string, string, string][]).map(([, three, number]) => [number, three]));
  const object = topology.objects['countries'];
  if (!object) throw new Error('world-atlas has no countries');
  const collection = feature(topology, object);
  const features = collection.type === 'FeatureCollection' ? collection.features : [collection];
  const countries = features.flatMap(({ id, geometry, properties }): Outline[] => {
    const name = (properties as { name?: string } | null)?.name ?? '';
    // Kosovo has no number of its own; its customary code is what shares are reported under.
    const code = codes.get(String(id)) ?? (name === 'Kosovo' ? 'XKX' : null);
    if (code === LEFT_OUT) return [];
    const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.type === 'MultiPolygon' ? geometry.coordinates : [];
    const path = polygons.flatMap((rings) => rings.flatMap((ring) => cut(ring as unknown as Ring).map(ringPath))).join('');
    return path === '' ? [] : [{ code, name, path }];
  });
  return { width: WIDTH, height: Math.round((NORTH - SOUTH) * SCALE), countries };
}

/** `import world from 'virtual:outlines'`. */
export function outlinesPlugin(): Plugin {
  const id = 'virtual:outlines';
  return {
    name: 'outlines',
    resolveId: (asked) => (asked === id ? `\0${id}` : null),
    load: (asked) => (asked === `\0${id}` ? `export default JSON.parse(${JSON.stringify(JSON.stringify(outlines()))})` : null),
  };
}
