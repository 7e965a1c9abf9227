import { describe, expect, it } from 'vitest';

import type { FloorView, StatesView } from '../../api/types';
import { fit, hold, zoom } from './camera';
import { changed, colour, tally } from './colours';
import { cornerName } from './labels';
import { arrange, find } from './layout';
import { NOTHING, paint, pixel } from './paint';

/** Halls of racks of two outlets. */
function mine(halls: number, racks: number, slots: number): FloorView {
  const floor: FloorView = { circuits: [], models: ['M30S'], owners: ['house', 'customer'], id: [], circuit: [], model: [], owner: [] };
  for (let hall = 1; hall <= halls; hall++) {
    for (let rack = 1; rack <= racks; rack++) {
      for (let pdu = 1; pdu <= 2; pdu++) {
        const circuit = floor.circuits.push(`hall-${hall}/rack-${rack}/pdu-${pdu}`) - 1;
        for (let slot = 1; slot <= slots; slot++) {
          floor.id.push(`${floor.circuits[circuit]}/${slot}`);
          floor.circuit.push(circuit);
          floor.model.push(0);
          floor.owner.push(hall % 2);
        }
      }
    }
  }
  return floor;
}

const STATES = { running: '#12805c', rising: '#56b4e9', falling: '#e0b400', asleep: '#a9b4bf', cut: '#3c4650', failed: '#d1450b', unknown: '#b04a94' };
const states = (letters: string): StatesView => ({ at: '2022-10-03T20:00:00Z', state: letters });

describe('the layout', () => {
  const floor = mine(8, 86, 40);
  const layout = arrange(floor, 1.6);
  it('has a cell of its own for each of 55,040 machines, inside its rack and hall', () => {
    expect(floor.id).toHaveLength(55_040);
    const cells = new Set<string>();
    for (const hall of layout.halls) {
      for (const rack of hall.racks) {
        expect(rack.x).toBeGreaterThan(hall.x);
        expect(rack.x + rack.w).toBeLessThan(hall.x + hall.w);
        expect(rack.y + rack.h).toBeLessThan(hall.y + hall.h);
        for (const machine of rack.machines) {
          const [x = -1, y = -1] = [layout.x[machine], layout.y[machine]];
          cells.add(`${x},${y}`);
          expect(floor.id[machine]?.startsWith(`${rack.id}/`)).toBe(true);
        }
      }
    }
    expect(cells.size).toBe(55_040);
  });
  it('finds what it drew', () => {
    for (const machine of [0, 41, 6_880, 55_039]) {
      const at = find(layout, (layout.x[machine] ?? 0) + 0.5, (layout.y[machine] ?? 0) + 0.5);
      expect(at.machine).toBe(machine);
    }
    expect(find(layout, -1, -1)).toEqual({ hall: null, rack: null, machine: null });
  });
  it('takes the shape of its canvas', () => {
    expect(arrange(floor, 3).w / arrange(floor, 3).h).toBeGreaterThan(arrange(floor, 0.5).w / arrange(floor, 0.5).h);
  });
  it('copes with no machine, and with a hall without racks', () => {
    const nothing = arrange({ circuits: [], models: [], owners: [], id: [], circuit: [], model: [], owner: [] }, 1);
    expect([nothing.w, nothing.h, nothing.halls.length]).toEqual([0, 0, 0]);
    expect(arrange({ circuits: ['hall'], models: ['M'], owners: ['o'], id: ['hall/1'], circuit: [0], model: [0], owner: [0] }, 1).halls[0]?.racks).toHaveLength(1);
  });
});

describe('the camera', () => {
  it('zooms about a point', () => {
    const before = fit({ x: 0, y: 0, w: 100, h: 50 }, 1_000, 500);
    const after = zoom(before, 3, 300, 200, 0.1);
    expect(after.x + 300 / after.scale).toBeCloseTo(before.x + 300 / before.scale);
    expect(zoom(before, 1e9, 0, 0, 0.1).scale).toBe(64);
    expect(zoom(before, 1e-9, 0, 0, 0.5).scale).toBe(0.5);
  });
  it('does not lose the floor', () => {
    const far = hold({ scale: 10, x: 1e6, y: -1e6 }, { w: 100, h: 50 }, 200, 200);
    expect([far.x, far.y]).toEqual([90, -10]);
  });
});

describe('names', () => {
  it('stand above their machines, and in the corner where that is out of sight', () => {
    const layout = arrange(mine(2, 4, 8), 1);
    const hall = layout.halls[0];
    const whole = fit({ x: 0, y: 0, w: layout.w, h: layout.h }, 500, 500);
    expect(cornerName(layout, whole, { w: 500, h: 500 })).toBeNull();
    const rack = hall?.racks.at(-1);
    expect(cornerName(layout, { scale: 60, x: (rack?.x ?? 0) - 1, y: rack?.y ?? 0 }, { w: 300, h: 200 })).toBe(hall?.id);
  });
});

describe('the painting', () => {
  it('has each machine in its colour', () => {
    const floor = mine(2, 2, 2);
    const layout = arrange(floor, 1);
    const column = new Uint32Array(floor.id.length);
    colour(column, 'state', floor, states('rrsc?dfurrsc?dfu'), STATES);
    const [width, height] = [200, 200];
    const camera = fit({ x: 0, y: 0, w: layout.w, h: layout.h }, width, height);
    const pixels = new Uint32Array(width * height);
    paint(pixels, width, height, layout, camera, column, { floor: 1, hall: 2, rack: 3, hatch: 4 });
    floor.id.forEach((_, machine) => {
      const x = Math.round(((layout.x[machine] ?? 0) + 0.4 - camera.x) * camera.scale);
      const y = Math.round(((layout.y[machine] ?? 0) + 0.4 - camera.y) * camera.scale);
      expect(pixels[y * width + x]).toBe(column[machine]);
    });
    expect(column[2]).toBe(pixel(STATES.asleep));
    expect(pixel('#fa0')).toBe(pixel('#ffaa00'));
  });
  it('stays inside the canvas wherever the camera is', () => {
    const floor = mine(1, 2, 2);
    const layout = arrange(floor, 1);
    const pixels = new Uint32Array(100);
    for (const camera of [{ scale: 60, x: 3.3, y: 5.7 }, { scale: 0.3, x: -50, y: -50 }, { scale: 5, x: 1_000, y: 1_000 }]) {
      expect(() => paint(pixels, 10, 10, layout, camera, new Uint32Array(8), { floor: 1, hall: 2, rack: 3, hatch: 4 })).not.toThrow();
    }
  });
  it('takes changes of single machines', () => {
    expect(changed(states('rrrr'), [[1, 's'], [3, '?'], [99, 'f']]).state).toBe('rsr?');
    expect(tally('rs?x', [0, 1, 2, 3])).toMatchObject({ running: 1, asleep: 1, unknown: 2 });
  });
  it('has nothing where a machine says nothing', () => {
    const floor = mine(1, 1, 1);
    const column = new Uint32Array(2);
    colour(column, 'temperature', floor, { ...states('rr'), temperature_c: [null, 90] }, STATES);
    expect(column[0]).toBe(NOTHING);
    expect(column[1]).toBe(pixel('#fee838'));
    // It is hatched: neither the rack's colour all over nor any of the scale's, far away and near.
    const layout = arrange(floor, 1);
    for (const scale of [3, 30]) {
      const pixels = new Uint32Array(10_000);
      paint(pixels, 100, 100, layout, { scale, x: layout.x[0] ?? 0, y: layout.y[0] ?? 0 }, column, { floor: 1, hall: 2, rack: 3, hatch: 4 });
      const cell = Array.from({ length: (scale - 1) ** 2 }, (_, n) => pixels[Math.floor(n / (scale - 1)) * 100 + (n % (scale - 1))]);
      expect(new Set(cell), `${scale}`).toEqual(new Set([3, 4]));
    }
  });
});
