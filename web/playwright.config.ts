import { defineConfig } from '@playwright/test';

// Browser tests against a running server: WELLRUN_URL says where, WELLRUN_TOKEN logs in (empty with --no-auth).
// The browser is Debian's; CHROMIUM names another.
export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  workers: 1,
  timeout: 120_000,
  // What is waited for comes, however busy the machine is.
  expect: { timeout: 20_000 },
  reporter: 'list',
  use: {
    baseURL: process.env['WELLRUN_URL'] ?? 'http://127.0.0.1:7070',
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox'],
    },
    screenshot: 'only-on-failure',
  },
  projects: [
    { name: 'pages', testMatch: 'pages.spec.ts' },
    { name: 'story', testMatch: 'story.spec.ts', timeout: 800_000 },
  ],
});
