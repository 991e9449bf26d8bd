import { expect, test } from 'vitest';
import { mergeChanges, type Change, type Deployment } from './change_queries';

const deployment: Deployment = {
  id: 'dep-1',
  workload: 'shop',
  component: 'checkout',
  environment: 'production',
  version: '2',
  previous_version: '1',
  state: 'rolled_back',
  started_at: '2026-01-01T10:00:00Z',
};
const flag: Change = {
  id: 'chg-1',
  kind: 'flag',
  workload: 'shop',
  summary: 'path on',
  at: '2026-01-01T10:00:00.5Z',
};

test('deployments and other changes are one list, newest first', () => {
  const merged = mergeChanges([deployment], [flag]);
  expect(merged.map(({ id }) => id)).toEqual(['chg-1', 'dep-1']);
  expect(merged[1]).toMatchObject({ what: '1 → 2', state: 'rolled_back' });
});
