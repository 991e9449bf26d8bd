import { expect, type Page } from '@playwright/test';

/** Opens `path`, logged in with WELLRUN_TOKEN; a server without authentication needs none. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  const token = process.env['WELLRUN_TOKEN'] ?? '';
  const field = page.getByLabel('Token', { exact: true });
  const frame = page.locator('nav[aria-label="Main"]');
  await expect(field.or(frame).first()).toBeAttached();
  // Attached is enough: it may not be drawn yet, and filling it waits until it is.
  if ((await field.count()) > 0) {
    expect(token, 'the server asks for a token: set WELLRUN_TOKEN').not.toBe('');
    await field.fill(token);
    await page.getByRole('button', { name: 'Log in' }).click();
  }
  await expect(frame).toBeAttached();
}

/** Everything that the page asked for is there: nothing is marked as loading. */
export async function settled(page: Page): Promise<void> {
  await expect(page.locator('h1').first()).toBeVisible();
  await expect(page.locator('main [aria-busy="true"]')).toHaveCount(0);
  await expect(page.locator('main .failure')).toHaveCount(0);
}

export interface Complaints {
  errors: string[];
}

/** Collects what a page must never do: throw, or break its content security policy. */
export function watch(page: Page): Complaints {
  const complaints: Complaints = { errors: [] };
  page.on('pageerror', (error) => complaints.errors.push(error.message));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' && text.includes('Content Security Policy')) {
      complaints.errors.push(text);
    }
  });
  return complaints;
}
