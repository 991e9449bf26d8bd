// The story as a person lives it, on a running demo: logged in with the one-time token, an incident opens by itself; it is
// acknowledged and escalated, a procedure shows its output, customers are told and read it, the proposed runbook is
// approved, the workload recovers, the incident is resolved, the analysis is read and signed, the assessment has gained.
// The demo must leave the human part to the page: tests/e2e/browser_story starts it so, with STATUS_URL beside WELLRUN_URL.
import { expect, test } from '@playwright/test';
import { open, settled, watch } from './session';

const kOutbreakMs = 300_000; // the demo is healthy for a while before its bad release
const kRecoveryMs = 180_000;

test('from the incident to the lesson', async ({ page, browser }) => {
  const complaints = watch(page);

  await test.step('a token that nobody gave is refused, the one-time token logs in', async () => {
    await page.goto('/');
    await page.getByLabel('Token', { exact: true }).fill('wr_guessed');
    await page.getByRole('button', { name: 'Log in' }).click();
    await expect(page.getByRole('alert')).toContainText('not known');
    await open(page, '/');
    await settled(page);
  });
  await open(page, '/incidents');

  await test.step('an incident opens, without reloading the page', async () => {
    await expect(page.locator('tbody a[href^="/incidents/"]').first()).toBeVisible({
      timeout: kOutbreakMs,
    });
    await page.locator('tbody a[href^="/incidents/"]').first().click();
    await expect(page).toHaveURL(/\/incidents\/./);
    await settled(page);
  });
  const incident = new URL(page.url()).pathname.split('/').at(-1) ?? '';

  await test.step('it is acknowledged, and the timeline says so at once', async () => {
    await page.getByRole('button', { name: 'Acknowledge' }).click();
    await expect(page.getByRole('list', { name: 'Timeline, newest first' })).toContainText(
      /acknowledged/i,
    );
    await expect(page.getByRole('button', { name: 'Acknowledge' })).toHaveCount(0);
  });

  await test.step('it is escalated, with the reason', async () => {
    await page.getByRole('button', { name: 'Escalate' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Why?').fill('two pairs of eyes');
    await dialog.getByRole('button', { name: 'Escalate' }).click();
    await expect(page.getByRole('list', { name: 'Timeline, newest first' })).toContainText(
      /escalated/i,
    );
  });

  await test.step('a procedure is run by hand, and its output comes by itself', async () => {
    const line = page.getByRole('listitem').filter({ hasText: 'why a host does not answer' });
    await line.getByRole('link', { name: 'Run…' }).click();
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await expect(page).toHaveURL(/\/runs\//);
    await expect(page.getByLabel('Output of disk')).toContainText('Filesystem', {
      timeout: 20_000,
    });
    await expect(page.locator('.page-title')).toContainText('Succeeded');
    await page.goto(`/incidents/${incident}`);
    await settled(page);
  });

  await test.step('customers are told', async () => {
    await page.getByLabel('Update for customers').fill('Some orders fail. We know why.');
    await page.getByLabel('State for customers').selectOption('identified');
    await page.getByRole('button', { name: 'Post update' }).click();
    await expect(page.getByText('Some orders fail. We know why.').first()).toBeVisible();
  });

  await test.step('and read it on the public page, without logging in', async () => {
    const stranger = await browser.newContext();
    const status = await stranger.newPage();
    await status.goto(process.env['STATUS_URL'] ?? '/');
    await expect(status.getByText('Some orders fail. We know why.')).toBeVisible();
    await expect(status.getByRole('heading', { level: 1 })).toBeVisible();
    await stranger.close();
  });

  await test.step('the proposed runbook is approved and ends well', async () => {
    await page.getByRole('link', { name: 'Decide' }).first().click();
    await page.getByRole('button', { name: 'Approve' }).click();
    await expect(page.locator('.page-title')).toContainText('Succeeded', { timeout: kRecoveryMs });
    await page.getByRole('button', { name: 'Yes' }).click();
    await expect(page.getByText('Yes, it helped.')).toBeVisible();
  });

  await test.step('the incident is resolved', async () => {
    await page.goto(`/incidents/${incident}`);
    await settled(page);
    // It may have resolved by itself once its alerts did.
    const state = page.locator('.page-title');
    const resolve = page.getByRole('button', { name: 'Resolve' });
    const resolved = state.filter({ hasText: 'Resolved' });
    await expect(resolve.or(resolved).first()).toBeVisible();
    if (await resolve.isVisible()) {
      await resolve.click();
      await page.getByRole('dialog').getByRole('button', { name: 'Resolve' }).click();
    }
    await expect(state).toContainText('Resolved');
  });

  await test.step('the drafted analysis gives a source for every sentence, and is signed', async () => {
    await page.getByRole('link', { name: 'Post-incident analysis' }).click();
    await settled(page);
    const sentences = page.locator('.sentence');
    await expect(sentences.nth(3)).toBeVisible();
    for (const sentence of await sentences.all()) {
      await expect(sentence.locator('.source').first()).toBeVisible();
    }
    const summary = page.locator('.panel', { has: page.getByRole('heading', { name: 'Summary' }) });
    await summary.getByRole('button', { name: 'Write' }).click();
    const words = page.getByRole('dialog').getByLabel('In your words');
    await expect(words).not.toHaveValue(''); // begins with what stands there
    await words.fill('Items without a price could not be ordered.');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await expect(summary.locator('.sentence')).toHaveCount(1);
    await expect(summary.locator('.sentence')).toContainText('Items without a price');
    await expect(summary.locator('.sentence .source')).toHaveCount(1);
    await page.getByLabel('New action').fill('Release behind a flag for 5 % first');
    await page.getByLabel('Owner').fill('storefront');
    await page.getByRole('button', { name: 'Add' }).click();
    await expect(page.getByText('Release behind a flag for 5 % first')).toBeVisible();
    await page.getByRole('button', { name: 'Finish' }).click();
    await page.getByRole('dialog').getByRole('textbox').fill('the flag is at 5 %');
    await page.getByRole('dialog').getByRole('button', { name: 'Finish' }).click();
    await expect(page.getByRole('button', { name: 'Finish' })).toHaveCount(0);
    await page.getByRole('button', { name: 'Sign' }).click();
    await expect(page.locator('.page-title')).toContainText('Signed');
  });

  await test.step('the assessment rests on evidence', async () => {
    await page.goto('/assessment?verdict=practised');
    await settled(page);
    await expect(page.locator('details.practice').first()).toBeVisible();
    await page.locator('details.practice summary').first().click();
    await expect(page.locator('.practice-detail li').first()).toBeVisible();
  });

  expect(complaints.errors).toEqual([]);
});
