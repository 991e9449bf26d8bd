import { expect, test } from 'vitest';
import { layers } from './graph_layout';

test('a component stands right of everything that calls it', () => {
  const column = layers([
    { id: 'gateway', dependsOn: ['checkout', 'inventory'] },
    { id: 'checkout', dependsOn: ['inventory'] },
    { id: 'inventory', dependsOn: [] },
  ]);
  expect(Object.fromEntries(column)).toEqual({ gateway: 0, checkout: 1, inventory: 2 });
});

test('a circle of dependencies ends', () => {
  const column = layers([
    { id: 'a', dependsOn: ['b'] },
    { id: 'b', dependsOn: ['a', 'b'] },
  ]);
  expect(column.size).toBe(2);
});
