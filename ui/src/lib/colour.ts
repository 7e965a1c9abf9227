// Colour scales for quantities. Cividis (Nuñez, Anderton and Renslow, 2018) reads the same with every kind of colour
// vision, and its lightness alone orders the values.

/** Cividis at nine even steps. */
const CIVIDIS = ['#00224e', '#123570', '#3b496c', '#575d6d', '#707173', '#8a8678', '#a59c74', '#c3b369', '#fee838'];
/** Colours that tell owners apart: Okabe and Ito (2008), then a light grey for the black that no dark ground shows. */
export const OWNERS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#56b4e9', '#f0e442', '#e6e6e6'];

/** `#rrggbb`, or `#rgb` as a style sheet may shorten it. */
export function whole(hex: string): string {
  return hex.length === 4 ? hex.replace(/[0-9a-f]/gi, '$&$&') : hex;
}

function channels(hex: string): [number, number, number] {
  const rgb = Number.parseInt(whole(hex).slice(1), 16);
  return [(rgb >> 16) & 0xff, (rgb >> 8) & 0xff, rgb & 0xff];
}

/** A share of the scale, 0 to 1, as `#rrggbb`. */
export function cividis(share: number): string {
  const at = Math.min(1, Math.max(0, share)) * (CIVIDIS.length - 1);
  const low = Math.min(CIVIDIS.length - 2, Math.floor(at));
  const [from, to] = [channels(CIVIDIS[low] ?? '#000000'), channels(CIVIDIS[low + 1] ?? '#000000')];
  const mixed = from.map((value, n) => Math.round(value + ((to[n] ?? 0) - value) * (at - low)));
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}

function linear(channel: number): number {
  const c = channel / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
}

/** How much two colours differ in lightness, as WCAG 2.2 counts it: 1 to 21. */
export function contrast(one: string, other: string): number {
  const luminance = (hex: string): number => {
    const [r, g, b] = channels(hex).map(linear);
    return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
  };
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

/** How the colour-blind see a colour: Machado, Oliveira and Fernandes (2009), full severity, in linear light. */
const SIGHT = {
  normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
} as const;
export type Sight = keyof typeof SIGHT;
export const SIGHTS = Object.keys(SIGHT) as Sight[];

/** The distance of two colours as somebody with this sight sees them, in OKLab (Ottosson, 2020): 1 is black to white. */
export function distance(one: string, other: string, sight: Sight): number {
  const [a, b] = [oklab(one, sight), oklab(other, sight)];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

function oklab(hex: string, sight: Sight): [number, number, number] {
  const [r = 0, g = 0, b = 0] = channels(hex).map(linear);
  const m = SIGHT[sight];
  const seen = (row: number): number => Math.min(1, Math.max(0, (m[row] ?? 0) * r + (m[row + 1] ?? 0) * g + (m[row + 2] ?? 0) * b));
  const [lr, lg, lb] = [seen(0), seen(3), seen(6)];
  const l = Math.cbrt(0.4122214708 * lr + 0.5363325363 * lg + 0.0514459929 * lb);
  const mm = Math.cbrt(0.2119034982 * lr + 0.6806995451 * lg + 0.1073969566 * lb);
  const s = Math.cbrt(0.0883024619 * lr + 0.2817188376 * lg + 0.6299787005 * lb);
  return [
    0.2104542553 * l + 0.793617785 * mm - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * mm + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * mm - 0.808675766 * s,
  ];
}
