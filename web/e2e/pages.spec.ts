// Every page of a running server: it renders, breaks no policy, and axe finds no serious violation, in light and dark,
// wide and narrow. Then the keyboard.
import { expect, test, type Page } from '@playwright/test';
import { createRequire } from 'node:module';
import { open, settled, watch } from './session';

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

interface Violation {
  id: string;
  impact: string | null;
  nodes: { target: string[]; failureSummary?: string }[];
}

async function seriousViolations(page: Page): Promise<string[]> {
  // By way of the browser's debugger: the page's own policy would refuse the script.
  const { readFileSync } = await import('node:fs');
  await page.evaluate(readFileSync(axePath, 'utf8'));
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run: (root: Document) => Promise<{ violations: Violation[] }> };
    };
    return (await axe.run(document)).violations;
  });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((it) => `${id}: ${it.target.join(' ')}`));
}

const lists = [
  '/',
  '/incidents',
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
  '/explore',
  '/explore?query=up',
  '/explore?query=shop_queue_length&normal=on',
  '/explore?tab=logs',
  '/explore?tab=traces',
];

/** One of everything the server has: pages of single things need a name. */
async function addresses(page: Page): Promise<string[]> {
  await open(page, '/');
  const first = async (path: string, key: string): Promise<string | undefined> => {
    const answer = await page.request.get(path);
    if (!answer.ok()) return undefined;
    const { items } = (await answer.json()) as { items: Record<string, string>[] };
    return items[0]?.[key];
  };
  const found: [string, string | undefined][] = [
    ['/incidents/', await first('/api/v1/incidents?state=all', 'id')],
    ['/workloads/', await first('/api/v1/workloads', 'name')],
    ['/procedures/', await first('/api/v1/runbooks', 'name')],
    ['/slos/', await first('/api/v1/slos', 'name')],
    ['/forecasts/', await first('/api/v1/forecasts', 'id')],
    ['/runs/', await first('/api/v1/runs', 'id')],
    ['/analyses/', await first('/api/v1/analyses', 'id')],
  ];
  return [...lists, ...found.flatMap(([path, name]) => (name ? [path + name] : []))];
}

for (const scheme of ['light', 'dark'] as const) {
  for (const [size, viewport] of [
    ['desktop', { width: 1366, height: 900 }],
    ['phone', { width: 390, height: 844 }],
  ] as const) {
    test(`every page is sound and accessible: ${scheme}, ${size}`, async ({ page }) => {
      test.setTimeout(180_000);
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.setViewportSize(viewport);
      const complaints = watch(page);
      for (const address of await addresses(page)) {
        await test.step(address, async () => {
          await open(page, address);
          await settled(page);
          expect.soft(await seriousViolations(page), address).toEqual([]);
          const overflow = await page.evaluate(
            () => document.documentElement.scrollWidth - window.innerWidth,
          );
          expect.soft(overflow, `${address} is wider than the screen`).toBeLessThanOrEqual(0);
        });
      }
      expect(complaints.errors).toEqual([]);
    });
  }
}

test('g and a letter go somewhere, ? helps, / searches, Escape closes', async ({ page }) => {
  await open(page, '/');
  await settled(page);
  await page.keyboard.press('g');
  await page.keyboard.press('i');
  await expect(page).toHaveURL(/\/incidents$/);
  await expect(page.getByRole('heading', { level: 1, name: 'Incidents' })).toBeVisible();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog')).toContainText('Keyboard');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.keyboard.press('/');
  await page.getByRole('combobox', { name: 'Search' }).fill('assess');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/assessment/);
});

test('typing in the query editor goes nowhere else, and Ctrl+Enter runs the query', async ({
  page,
}) => {
  await open(page, '/explore');
  const editor = page.getByRole('textbox', { name: 'PromQL query' });
  await editor.click();
  await page.keyboard.type('vector(1) # g i ?');
  await page.keyboard.press('Control+Enter');
  await expect(page).toHaveURL(/query=vector/);
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByRole('img', { name: /1 series/ })).toBeVisible();
});

test('the editor completes functions, metrics of this server, their labels and values', async ({
  page,
}) => {
  await open(page, '/explore');
  const editor = page.getByRole('textbox', { name: 'PromQL query' });
  const offered = (text: string) => page.getByRole('option', { name: text });
  await editor.click();
  await page.keyboard.type('histogram_q');
  await expect(offered('histogram_quantile').first()).toBeVisible();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('shop_bas');
  await offered('shop_basket_size').first().click();
  await expect(editor).toHaveText('shop_basket_size');
  await page.keyboard.type('{ki');
  await expect(offered('kind').first()).toBeVisible();
  await page.keyboard.press('Escape');
  await page.keyboard.type('nd="gu');
  await expect(offered('guest').first()).toBeVisible();
});

test('what is normal is drawn on charts, and what was not is explained to the keyboard', async ({
  page,
}) => {
  await open(page, '/workloads/shop');
  await settled(page);
  const unusual = page.getByRole('button', { name: /^Unusual at .* is expected/ }).first();
  await expect(unusual).toBeVisible();
  await expect(page.locator('.swatch-band').first()).toBeVisible();
  await unusual.focus();
  await expect(unusual).toHaveAttribute('aria-pressed', 'true');
  const chart = page
    .locator('.chart-marks')
    .filter({ has: page.getByRole('button', { name: /^Unusual at .* is expected/ }) })
    .first();
  await expect(chart.locator('.chart-note')).toContainText(/where .* is expected; .* since/);
  await page.keyboard.press('Shift+Tab');
  await expect(chart.locator('.chart-note')).not.toBeEmpty();
  await expect(page.getByRole('heading', { name: 'Findings' })).toBeVisible();
  await expect(page.getByText('fnd-000001')).toBeVisible();
});

test('explore shows what is normal when asked, and the address keeps it', async ({ page }) => {
  await open(page, '/explore?query=shop_queue_length');
  await settled(page);
  await expect(page.locator('.swatch-band')).toHaveCount(0);
  await page.getByRole('button', { name: 'With what is normal' }).click();
  await expect(page).toHaveURL(/normal=on/);
  await expect(page.locator('.swatch-band')).toBeVisible();
  await expect(page.getByRole('button', { name: /^Unusual at/ }).first()).toBeVisible();
  await page.getByRole('button', { name: 'Values only' }).click();
  await expect(page.locator('.swatch-band')).toHaveCount(0);
  await expect(page).not.toHaveURL(/normal=on/);
});

test.describe('a reader in Tokyo', () => {
  test.use({ timezoneId: 'Asia/Tokyo', locale: 'en-GB' });
  test('sees times in Tokyo', async ({ page }) => {
    await open(page, '/journal');
    await settled(page);
    const time = page.locator('main time').first();
    const at = new Date((await time.getAttribute('datetime')) ?? '');
    const hour = String((at.getUTCHours() + 9) % 24).padStart(2, '0');
    const shown = `${(await time.textContent()) ?? ''} ${(await time.getAttribute('title')) ?? ''}`;
    expect(shown).toContain(`${hour}:${String(at.getUTCMinutes()).padStart(2, '0')}`);
  });
});

test('from an outcome down to its objective, and what its budget closes', async ({ page }) => {
  await open(page, '/health');
  await settled(page);
  const tree = page.locator('.health-tree');
  await expect(tree.getByText('order-success', { exact: false }).first()).toBeVisible();
  await tree.getByRole('link', { name: 'Orders are taken without an error' }).click();
  await expect(page).toHaveURL(/\/slos\/checkout-availability$/);
  await settled(page);
  await expect(page.getByText('50 % used')).toBeVisible();
  await expect(page.getByText('deployments are refused')).toBeVisible();
});

test('the live stream connects', async ({ page }) => {
  await open(page, '/');
  await expect(page.getByRole('status')).toContainText('Live');
});

test('an address that does not exist says so', async ({ page }) => {
  await open(page, '/no/such/page');
  await expect(page.getByText('There is no such page')).toBeVisible();
});

test('something that does not exist is explained, not blank', async ({ page }) => {
  await open(page, '/incidents/inc-does-not-exist');
  await expect(page.getByRole('alert')).toBeVisible();
});
