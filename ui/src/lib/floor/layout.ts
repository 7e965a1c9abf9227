// The halls as they stand, worked out from machines' positions: racks in rows along an aisle, shelves as cells. A unit is
// one machine's cell.
import type { FloorView } from '../../api/types';

/** Machines side by side on a shelf of a rack. */
const RACK_COLUMNS = 4;
/** Free cells between racks, between rows of racks (the aisle), around racks in a hall, and between halls. */
const RACK_GAP = 1;
const AISLE = 3;
const MARGIN = 2;
const HALL_GAP = 4;
/** Cells above a hall's racks, for its name. */
const TITLE = 5;

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Rack extends Box {
  id: string;
  /** The machines in it, by place in the site file. */
  machines: number[];
}

export interface Hall extends Box {
  id: string;
  racks: Rack[];
}

export interface Layout {
  w: number;
  h: number;
  halls: Hall[];
  /** Where each machine's cell is, in units. */
  x: Float32Array;
  y: Float32Array;
}

/** `hall-3/rack-07/pdu-2/4` stands in `hall-3`, in `rack-07`; a hall without racks is one rack. */
function place(circuit: string): { hall: string; rack: string } {
  const [hall = circuit, rack] = circuit.split('/');
  return { hall, rack: rack === undefined ? hall : `${hall}/${rack}` };
}

/** Arranges the halls for a canvas of this shape (width over height). */
export function arrange(floor: FloorView, shape: number): Layout {
  const halls = new Map<string, Map<string, number[]>>();
  const places = floor.circuits.map(place);
  floor.circuit.forEach((circuit, machine) => {
    const at = places[circuit];
    if (!at) return;
    const racks = halls.get(at.hall) ?? new Map<string, number[]>();
    halls.set(at.hall, racks);
    const rack = racks.get(at.rack);
    if (rack) rack.push(machine);
    else racks.set(at.rack, [machine]);
  });
  const built = [...halls].map(([id, racks]) => build(id, racks));
  const layout: Layout = {
    ...pack(built, shape),
    halls: built,
    x: new Float32Array(floor.id.length),
    y: new Float32Array(floor.id.length),
  };
  for (const hall of built) {
    for (const rack of hall.racks) {
      rack.x += hall.x;
      rack.y += hall.y;
      rack.machines.forEach((machine, n) => {
        layout.x[machine] = rack.x + (n % RACK_COLUMNS);
        layout.y[machine] = rack.y + Math.floor(n / RACK_COLUMNS);
      });
    }
  }
  return layout;
}

/** One hall: its racks in an even number of rows, about twice as wide as high. */
function build(id: string, racks: Map<string, number[]>): Hall {
  const rackHeight = Math.max(...[...racks.values()].map((machines) => Math.ceil(machines.length / RACK_COLUMNS)));
  const rackWidth = RACK_COLUMNS + RACK_GAP;
  const ideal = Math.sqrt((racks.size * rackWidth) / (2 * (rackHeight + AISLE)));
  const rows = racks.size < 2 ? 1 : Math.max(2, 2 * Math.round(ideal / 2));
  const perRow = Math.ceil(racks.size / rows);
  const placed = [...racks].map(([rackId, machines], n): Rack => {
    const row = Math.floor(n / perRow);
    return {
      id: rackId,
      machines,
      x: MARGIN + (n % perRow) * rackWidth,
      y: TITLE + row * (rackHeight + AISLE),
      w: RACK_COLUMNS,
      h: Math.ceil(machines.length / RACK_COLUMNS),
    };
  });
  const usedRows = Math.ceil(racks.size / perRow);
  return {
    id,
    racks: placed,
    x: 0,
    y: 0,
    w: 2 * MARGIN + perRow * rackWidth - RACK_GAP,
    h: TITLE + usedRows * (rackHeight + AISLE) - AISLE + MARGIN,
  };
}

/** Halls in rows, in the order of the site file, so that the whole comes closest to the canvas's shape. */
function pack(halls: Hall[], shape: number): { w: number; h: number } {
  let best = { columns: 1, cost: Number.POSITIVE_INFINITY };
  for (let columns = 1; columns <= halls.length; columns++) {
    const { w, h } = put(halls, columns);
    const scale = Math.max(w / shape, h);
    if (scale < best.cost) best = { columns, cost: scale };
  }
  return put(halls, best.columns);
}

function put(halls: Hall[], columns: number): { w: number; h: number } {
  let [width, y] = [0, 0];
  for (let first = 0; first < halls.length; first += columns) {
    let [x, height] = [0, 0];
    for (const hall of halls.slice(first, first + columns)) {
      hall.x = x;
      hall.y = y;
      x += hall.w + HALL_GAP;
      height = Math.max(height, hall.h);
    }
    width = Math.max(width, x - HALL_GAP);
    y += height + HALL_GAP;
  }
  return { w: width, h: Math.max(0, y - HALL_GAP) };
}

/** What is at a point, in units. */
export function find(layout: Layout, x: number, y: number): { hall: Hall | null; rack: Rack | null; machine: number | null } {
  const inside = (box: Box): boolean => x >= box.x && y >= box.y && x < box.x + box.w && y < box.y + box.h;
  const hall = layout.halls.find(inside) ?? null;
  const rack = hall?.racks.find(inside) ?? null;
  if (!rack) return { hall, rack, machine: null };
  const n = Math.floor(y - rack.y) * RACK_COLUMNS + Math.floor(x - rack.x);
  return { hall, rack, machine: rack.machines[n] ?? null };
}
