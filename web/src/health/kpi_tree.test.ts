import { expect, test } from 'vitest';
import type { Kpi, Slo } from './health_queries';
import { kpiTree } from './kpi_tree';

const kpi = (name: string, parent = '') => ({ name, parent }) as Kpi;
const names = (branches: ReturnType<typeof kpiTree>): string =>
  branches.map((it) => `${it.kpi.name}(${names(it.children)})`).join(' ');

test('indicators stand under the outcome that they lead to', () => {
  const tree = kpiTree(
    [kpi('latency', 'orders'), kpi('revenue'), kpi('orders', 'revenue'), kpi('apart', 'elsewhere')],
    [{ name: 'fast', kpi: 'latency' } as Slo],
  );
  expect(names(tree)).toBe('apart() revenue(orders(latency()))');
  expect(tree[1]?.children[0]?.children[0]?.slos[0]?.name).toBe('fast');
});

test('a circle ends', () => {
  const circle = [kpi('a', 'root'), kpi('root', ''), kpi('b', 'a')];
  expect(names(kpiTree([...circle, kpi('a2', 'b')], []))).toBe('root(a(b(a2())))');
  expect(kpiTree([kpi('x', 'y'), kpi('y', 'x')], [])).toEqual([]);
});
