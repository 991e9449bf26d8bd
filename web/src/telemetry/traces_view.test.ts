import { expect, test } from 'vitest';
import { spanTree } from './traces_view';

function span(id: string, parent: string | undefined, start: number) {
  return {
    trace_id: 't',
    span_id: id,
    parent_span_id: parent,
    name: id,
    service: 'shop',
    kind: 'server',
    status: 'unset' as const,
    start: new Date(start).toISOString(),
    end: new Date(start + 1).toISOString(),
    duration_ms: 1,
    attributes: {},
  };
}

function shape(spans: ReturnType<typeof span>[]) {
  return spanTree(spans).map(({ span: it, depth }) => `${'.'.repeat(depth)}${it.span_id}`);
}

test('parents come before children, siblings by start, and an unknown parent makes a root', () => {
  const spans = [
    span('late', 'root', 30),
    span('root', undefined, 0),
    span('early', 'root', 10),
    span('deep', 'early', 12),
    span('lost', 'gone', 40),
  ];
  expect(shape(spans)).toEqual(['root', '.early', '..deep', '.late', 'lost']);
});

test('a batch that was sent twice is shown once, however deep it is', () => {
  const once = Array.from({ length: 20 }, (_, depth) =>
    span(`s${depth}`, depth === 0 ? undefined : `s${depth - 1}`, depth),
  );
  expect(spanTree([...once, ...once])).toHaveLength(20);
});

test('spans that are each other parents are shown, once each', () => {
  expect(shape([span('a', 'b', 1), span('b', 'a', 2)])).toEqual(['a', '.b']);
});
