import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// `npm run dev` talks to a running server; its address may be given.
const server = process.env['WELLRUN_URL'] ?? 'http://127.0.0.1:7070';
const backend = { target: server, changeOrigin: false };

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // nothing inline: the content security policy allows files of our own only
    chunkSizeWarningLimit: 900,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': backend, '/-': backend, '/metrics': backend, '/ack': backend } },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    testTimeout: 20_000, // a loaded machine is slow, not wrong
    setupFiles: ['src/platform/test_setup.ts'],
  },
});
