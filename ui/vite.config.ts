import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

import { outlinesPlugin } from './outlines';

// `npm run dev` serves the pages from here and takes the API from a running site: OFFPEAK_SITE, else the demo's address.
const site = process.env['OFFPEAK_SITE'] ?? 'http://127.0.0.1:8337';

/** Below so many bytes nothing is gained by compressing. */
const COMPRESS_FROM = 1_000;

/** Beside each file its compressed twins, so that the binary serves them without working. */
function compress(): Plugin {
  return {
    name: 'compress',
    apply: 'build',
    closeBundle: async () => {
      const root = join(import.meta.dirname, 'dist');
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(html|js|css|svg|json)$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const bytes = await readFile(path);
        if (bytes.length < COMPRESS_FROM) continue;
        const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } };
        await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, quality));
        await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [svelte(), outlinesPlugin(), compress()],
  build: {
    target: 'es2022',
    // Every file is its own: a `data:` address would need a hole in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '^/(api|enter)': { target: site, changeOrigin: true, secure: false } } },
});
