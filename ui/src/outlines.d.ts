// Made by `outlines.ts` when the pages are built.
declare module 'virtual:outlines' {
  const world: { width: number; height: number; countries: { code: string | null; name: string; path: string }[] };
  export default world;
}
