// Names beside the cells: halls above their racks, racks when there is room, states' signs when a cell is large; and the chosen one.
import type { Camera } from './camera';
import { find, type Layout } from './layout';

interface Style {
  text: string;
  muted: string;
  accent: string;
}

/** From this many pixels a cell shows its state's sign. */
const SIGN_FROM = 16;
/** Signs drawn at most: a screen holds fewer cells of that size. */
const SIGNS_MAX = 12_000;

/** Where a hall's name stands in it, in units: in the room above its racks. */
const NAME = { x: 2, y: 2.5 };

/** The hall in the middle, where its name is out of sight: it is told in the corner, and not written over machines. */
export function cornerName(layout: Layout, camera: Camera, size: { w: number; h: number }): string | null {
  const { hall } = find(layout, camera.x + size.w / camera.scale / 2, camera.y + size.h / camera.scale / 2);
  if (!hall) return null;
  const [x, y] = [(hall.x + NAME.x - camera.x) * camera.scale, (hall.y + NAME.y - camera.y) * camera.scale];
  return x >= 0 && x < size.w && y >= 0 && y < size.h ? null : hall.id;
}

/** Draws them. */
export function label(
  context: CanvasRenderingContext2D,
  layout: Layout,
  camera: Camera,
  size: { w: number; h: number; ratio: number },
  style: Style,
  chosen: number | null,
  sign: ((machine: number) => string) | null,
): void {
  const { scale } = camera;
  const px = (units: number): number => (units - camera.x) * scale;
  const py = (units: number): number => (units - camera.y) * scale;
  context.textBaseline = 'middle';
  for (const hall of layout.halls) {
    const font = Math.min(22 * size.ratio, Math.max(9 * size.ratio, 3.2 * scale));
    context.font = `600 ${font}px system-ui, sans-serif`;
    context.fillStyle = style.text;
    if (hall.h * scale > font) context.fillText(hall.id, px(hall.x + NAME.x), py(hall.y + NAME.y), Math.max(1, (hall.w - 3) * scale));
    if (scale * 4 < 34 * size.ratio) continue;
    context.font = `${Math.min(13 * size.ratio, 1.1 * scale)}px system-ui, sans-serif`;
    context.fillStyle = style.muted;
    for (const rack of hall.racks) {
      const [x, above] = [px(rack.x), py(rack.y) - 0.9 * scale];
      if (x > -rack.w * scale && x < size.w && above > -20 && above < size.h) {
        context.fillText(rack.id.split('/').at(-1) ?? rack.id, x, above, rack.w * scale);
      }
    }
  }
  if (sign && scale / size.ratio >= SIGN_FROM) signs(context, layout, camera, size, sign);
  if (chosen !== null) {
    const [x, y] = [px(layout.x[chosen] ?? 0), py(layout.y[chosen] ?? 0)];
    const out = 2 * size.ratio;
    context.lineWidth = out;
    context.strokeStyle = style.accent;
    context.strokeRect(x - out, y - out, Math.max(scale, 4) + 2 * out, Math.max(scale, 4) + 2 * out);
  }
}

function signs(context: CanvasRenderingContext2D, layout: Layout, camera: Camera, size: { w: number; h: number }, sign: (machine: number) => string): void {
  const { scale } = camera;
  context.font = `${0.55 * scale}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.fillStyle = '#101418';
  let drawn = 0;
  for (const rack of layout.halls.flatMap((hall) => hall.racks)) {
    const [left, top] = [(rack.x - camera.x) * scale, (rack.y - camera.y) * scale];
    if (left > size.w || top > size.h || left + rack.w * scale < 0 || top + rack.h * scale < 0) continue;
    for (const machine of rack.machines) {
      if (drawn++ > SIGNS_MAX) break;
      const x = ((layout.x[machine] ?? 0) - camera.x + 0.46) * scale;
      const y = ((layout.y[machine] ?? 0) - camera.y + 0.48) * scale;
      context.fillText(sign(machine), x, y);
    }
  }
  context.textAlign = 'start';
}
