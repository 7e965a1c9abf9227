// Mouse, pen and fingers on the drawing: drag moves, wheel and pinch zoom, a tap chooses.
import type { Attachment } from 'svelte/attachments';

export interface Hands {
  move: (dx: number, dy: number) => void;
  zoom: (factor: number, x: number, y: number) => void;
  tap: (x: number, y: number) => void;
  point: (x: number, y: number) => void;
}

/** Less than this many pixels is a tap, not a drag. */
const TAP = 6;

/** Listens on an element while it is there. */
export function pointers(hands: Hands): Attachment<HTMLElement> {
  return (element) => {
    const down = new Map<number, { x: number; y: number }>();
    let travelled = 0;
    const at = (event: MouseEvent): { x: number; y: number } => {
      const box = element.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const spread = (): { x: number; y: number; far: number } | null => {
      const [one, other] = [...down.values()];
      if (!one || !other) return null;
      return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, far: Math.hypot(one.x - other.x, one.y - other.y) };
    };
    const onDown = (event: PointerEvent): void => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      down.set(event.pointerId, at(event));
      if (down.size === 1) travelled = 0;
    };
    const onMove = (event: PointerEvent): void => {
      const now = at(event);
      const before = down.get(event.pointerId);
      if (!before) {
        hands.point(now.x, now.y);
        return;
      }
      const wide = spread();
      down.set(event.pointerId, now);
      const then = spread();
      travelled += Math.hypot(now.x - before.x, now.y - before.y);
      if (wide && then) {
        hands.move(then.x - wide.x, then.y - wide.y);
        if (wide.far > 0) hands.zoom(then.far / wide.far, then.x, then.y);
      } else if (travelled > TAP) hands.move(now.x - before.x, now.y - before.y);
    };
    const onUp = (event: PointerEvent): void => {
      const was = down.delete(event.pointerId);
      if (was && down.size === 0 && travelled <= TAP && event.type === 'pointerup') {
        const { x, y } = at(event);
        hands.tap(x, y);
      }
    };
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const { x, y } = at(event);
      hands.zoom(Math.exp(-event.deltaY / 400), x, y);
    };
    element.addEventListener('pointerdown', onDown);
    element.addEventListener('pointermove', onMove);
    element.addEventListener('pointerup', onUp);
    element.addEventListener('pointercancel', onUp);
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => {
      element.removeEventListener('pointerdown', onDown);
      element.removeEventListener('pointermove', onMove);
      element.removeEventListener('pointerup', onUp);
      element.removeEventListener('pointercancel', onUp);
      element.removeEventListener('wheel', onWheel);
    };
  };
}
