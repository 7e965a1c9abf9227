// The circuit tree, as it is shown.
import type { CircuitView } from '../api/types';

export interface Row {
  circuit: CircuitView;
  depth: number;
  /** How many circuits hang directly on it. */
  children: number;
}

/** Children by parent. */
function byParent(circuits: readonly CircuitView[]): Map<string | null, CircuitView[]> {
  const children = new Map<string | null, CircuitView[]>();
  for (const circuit of circuits) {
    const list = children.get(circuit.parent);
    if (list) list.push(circuit);
    else children.set(circuit.parent, [circuit]);
  }
  return children;
}

/** The tree as rows, parents first; only below what is open. */
export function rows(circuits: readonly CircuitView[], open: ReadonlySet<string>): Row[] {
  const children = byParent(circuits);
  const list: Row[] = [];
  const walk = (parent: string | null, depth: number): void => {
    for (const circuit of children.get(parent) ?? []) {
      list.push({ circuit, depth, children: children.get(circuit.id)?.length ?? 0 });
      if (open.has(circuit.id)) walk(circuit.id, depth + 1);
    }
  };
  walk(null, 0);
  return list;
}

/** What is open at first: everything above the halls' racks. */
export function openAtFirst(circuits: readonly CircuitView[]): Set<string> {
  return new Set(circuits.filter((circuit) => circuit.kind !== 'hall' && circuit.kind !== 'rack').map((circuit) => circuit.id));
}

/** Its last part, as somebody in the hall would call it. */
export function shortName(id: string): string {
  return id.split('/').at(-1) ?? id;
}
