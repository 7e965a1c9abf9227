// Which part of the floor is seen, and how large. Units are machine cells; pixels are the canvas's own.
import type { Box } from './layout';

export interface Camera {
  /** Pixels a unit. */
  scale: number;
  /** The unit at the canvas's upper left corner. */
  x: number;
  y: number;
}

/** Larger than this, nothing is gained. */
export const SCALE_MAX = 64;

/** Shows a box with a little room around it, in the middle. */
export function fit(box: Box, width: number, height: number, room = 2): Camera {
  const scale = Math.min(SCALE_MAX, Math.max(0.1, Math.min(width / (box.w + 2 * room), height / (box.h + 2 * room))));
  return { scale, x: box.x + box.w / 2 - width / scale / 2, y: box.y + box.h / 2 - height / scale / 2 };
}

/** Zooms by a factor about a point of the canvas, which stays where it is. */
export function zoom(camera: Camera, factor: number, px: number, py: number, least: number): Camera {
  const scale = Math.min(SCALE_MAX, Math.max(least, camera.scale * factor));
  const [x, y] = [camera.x + px / camera.scale, camera.y + py / camera.scale];
  return { scale, x: x - px / scale, y: y - py / scale };
}

/** Keeps at least the middle of the canvas on the floor. */
export function hold(camera: Camera, floor: { w: number; h: number }, width: number, height: number): Camera {
  const [halfX, halfY] = [width / camera.scale / 2, height / camera.scale / 2];
  const within = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
  return {
    scale: camera.scale,
    x: within(camera.x + halfX, 0, floor.w) - halfX,
    y: within(camera.y + halfY, 0, floor.h) - halfY,
  };
}
