// Takes a picture of every page, in light and dark, wide and narrow: node e2e/shots.mjs FOLDER. WELLRUN_URL and
// WELLRUN_TOKEN as for the tests. To be looked at by a person.
import { chromium } from '@playwright/test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const base = process.env.WELLRUN_URL ?? 'http://127.0.0.1:7070';
const token = process.env.WELLRUN_TOKEN ?? '';
const folder = process.argv[2] ?? 'shots';
const looks = (process.env.SHOTS ?? 'light-desktop dark-desktop light-phone').split(' ');
mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
const ask = async (path) => {
  const response = await fetch(base + path, { headers: { authorization: `Bearer ${token}` } });
  return response.ok ? (await response.json()).items : [];
};
const first = async (path, key) => (await ask(path))[0]?.[key];
const one = [
  ['incidents', await first('/api/v1/incidents?state=all', 'id')],
  ['workloads', await first('/api/v1/workloads', 'name')],
  ['procedures', await first('/api/v1/runbooks', 'name')],
  ['slos', await first('/api/v1/slos', 'name')],
  ['runs', await first('/api/v1/runs', 'id')],
  ['analyses', await first('/api/v1/analyses', 'id')],
];
const pages = [
  '/',
  '/incidents?state=all',
  '/workloads',
  '/health',
  '/effectiveness',
  '/procedures',
  '/runs',
  '/changes',
  '/analyses',
  '/assessment',
  '/catalog',
  '/journal',
  `/explore?query=${encodeURIComponent(process.env.SHOTS_QUERY ?? 'sum by (outcome) (rate(shop_orders_total[30s]))')}`,
  '/explore?tab=logs',
  '/explore?tab=traces',
  ...one.filter(([, id]) => id).map(([kind, id]) => `/${kind}/${id}`),
];
for (const look of looks) {
  const [scheme, size] = look.split('-');
  const context = await browser.newContext({
    colorScheme: scheme === 'dark' ? 'dark' : 'light',
    viewport: size === 'phone' ? { width: 390, height: 844 } : { width: 1366, height: 900 },
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  await page.goto(base);
  const field = page.getByLabel('Token', { exact: true });
  await field.or(page.locator('nav[aria-label="Main"]')).first().waitFor();
  if (await field.isVisible()) {
    if (look === looks[0]) await page.screenshot({ path: join(folder, 'login.png') });
    await field.fill(token);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.locator('nav[aria-label="Main"]').waitFor({ state: 'attached' });
  }
  for (const path of pages) {
    await page.goto(base + path);
    await page.locator('h1').first().waitFor();
    await page
      .waitForFunction(() => !document.querySelector('main [aria-busy="true"]'), undefined, {
        timeout: 10_000,
      })
      .catch(() => undefined);
    await page.waitForTimeout(500);
    const name = path
      .replace(/\?(tab|state)=/, '-')
      .replace(/\?.*/, '')
      .replaceAll('/', '_');
    await page.screenshot({
      path: join(folder, `${name === '_' ? '_overview' : name}.${look}.png`.slice(1)),
      fullPage: true,
    });
  }
  await context.close();
}
if (process.env.STATUS_URL) {
  const page = await browser.newPage();
  await page.goto(process.env.STATUS_URL);
  await page.screenshot({ path: join(folder, 'status.png'), fullPage: true });
}
await browser.close();
