import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  resolve: { conditions: ['browser'] },
  test: {
    // A busy machine is slow, and says nothing of the code.
    testTimeout: 60_000,
    include: ['src/**/*.test.ts'],
    environment: 'happy-dom',
  },
});
