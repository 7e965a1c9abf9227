// Who gained what others lost, as a drawing: two columns of bars with bands between them.
import type { FlowView } from '../../api/observatory';

export interface Bar {
  key: string;
  name: string;
  amount: number;
  y: number;
  height: number;
}
export interface Ribbon {
  from: string;
  to: string;
  fromName: string;
  toName: string;
  amount: number;
  /** Upper edges on both sides, and how high it is. */
  y0: number;
  y1: number;
  height: number;
}
export interface Drawing {
  left: Bar[];
  right: Bar[];
  ribbons: Ribbon[];
}

/** A thing so thin that it is not drawn would look like nothing. */
const LEAST = 1;

function bars(flows: readonly FlowView[], side: 'from' | 'to', height: number, gap: number, scale: number): Bar[] {
  const amounts = new Map<string, { name: string; amount: number }>();
  for (const flow of flows) {
    const [key, name] = side === 'from' ? [flow.from, flow.from_name] : [flow.to, flow.to_name];
    amounts.set(key, { name, amount: (amounts.get(key)?.amount ?? 0) + flow.amount });
  }
  const sorted = [...amounts].sort(([, a], [, b]) => b.amount - a.amount);
  const used = sorted.reduce((sum, [, { amount }]) => sum + Math.max(LEAST, amount * scale), 0) + gap * Math.max(0, sorted.length - 1);
  let y = Math.max(0, (height - used) / 2);
  return sorted.map(([key, { name, amount }]) => {
    const bar = { key, name, amount, y, height: Math.max(LEAST, amount * scale) };
    y += bar.height + gap;
    return bar;
  });
}

/** Lays flows out in a height: every amount has the same scale on both sides. */
export function layout(flows: readonly FlowView[], height: number, gap: number): Drawing {
  const total = flows.reduce((sum, flow) => sum + flow.amount, 0);
  if (total <= 0) return { left: [], right: [], ribbons: [] };
  const most = Math.max(new Set(flows.map((flow) => flow.from)).size, new Set(flows.map((flow) => flow.to)).size);
  const scale = Math.max(0, height - gap * (most - 1)) / total;
  const [left, right] = [bars(flows, 'from', height, gap, scale), bars(flows, 'to', height, gap, scale)];
  const order = (list: Bar[]): Map<string, number> => new Map(list.map((bar, n) => [bar.key, n]));
  const [leftOrder, rightOrder] = [order(left), order(right)];
  const [leftAt, rightAt] = [new Map(left.map((bar) => [bar.key, bar.y])), new Map(right.map((bar) => [bar.key, bar.y]))];
  const sorted = [...flows].sort((a, b) => (leftOrder.get(a.from) ?? 0) - (leftOrder.get(b.from) ?? 0) || (rightOrder.get(a.to) ?? 0) - (rightOrder.get(b.to) ?? 0));
  const ribbons = sorted.map((flow): Ribbon => {
    const [y0, y1, thick] = [leftAt.get(flow.from) ?? 0, rightAt.get(flow.to) ?? 0, flow.amount * scale];
    leftAt.set(flow.from, y0 + thick);
    rightAt.set(flow.to, y1 + thick);
    return { from: flow.from, to: flow.to, fromName: flow.from_name, toName: flow.to_name, amount: flow.amount, y0, y1, height: thick };
  });
  return { left, right, ribbons };
}

/** A band between two heights as an SVG path. */
export function ribbonPath({ y0, y1, height }: Ribbon, x0: number, x1: number): string {
  const middle = (x0 + x1) / 2;
  const n = (value: number): string => value.toFixed(1);
  return (
    `M${n(x0)},${n(y0)}C${n(middle)},${n(y0)} ${n(middle)},${n(y1)} ${n(x1)},${n(y1)}` +
    `L${n(x1)},${n(y1 + height)}C${n(middle)},${n(y1 + height)} ${n(middle)},${n(y0 + height)} ${n(x0)},${n(y0 + height)}Z`
  );
}
