import { defineConfig } from 'vitest/config';

// Chromium against a real site with its twin. One file after the other: they share two cores.
export default defineConfig(({ mode }) => ({
  test: {
    include: [mode === 'test' ? 'browser/*.test.ts' : `browser/${mode}.ts`],
    environment: 'node',
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 300_000,
  },
}));
