import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { QueryClient } from '@tanstack/react-query';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { followFacts, touchedBy } from './live';

class FakeSource extends EventTarget {
  static readonly all: FakeSource[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  constructor() {
    super();
    FakeSource.all.push(this);
  }
  close() {
    this.closed = true;
  }
}

let queries: QueryClient;
let stop: () => void;
let invalidated: (readonly unknown[] | undefined)[];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('EventSource', { CLOSED: 2 });
  FakeSource.all.length = 0;
  queries = new QueryClient();
  invalidated = [];
  vi.spyOn(queries, 'invalidateQueries').mockImplementation((filter) => {
    invalidated.push(filter?.queryKey);
    return Promise.resolve();
  });
  stop = followFacts(queries, () => new FakeSource() as unknown as EventSource);
});
afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a burst of facts is answered by one fetch of each thing it touches', () => {
  const [source] = FakeSource.all;
  source?.dispatchEvent(new Event('incident.note_added'));
  source?.dispatchEvent(new Event('incident.acknowledged'));
  expect(invalidated).toEqual([]);
  vi.advanceTimersByTime(200);
  expect(invalidated).toEqual([['incidents'], ['journal']]);
});

test('every type of fact is listened to: what is not, an open page would never show', () => {
  const golden = join(import.meta.dirname, '../../../tests/corpora/journal'); // "incident.opened.1.1.json"
  const types = new Set(readdirSync(golden).map((file) => file.split('.').slice(0, 2).join('.')));
  expect(Object.keys(touchedBy).sort()).toEqual([...types].sort());
});

test('what came of an action and of an experiment is fetched again', () => {
  const [source] = FakeSource.all;
  source?.dispatchEvent(new Event('action.effect_judged'));
  source?.dispatchEvent(new Event('experiment.ended'));
  vi.advanceTimersByTime(200);
  expect(invalidated).toEqual([['analyses'], ['actions'], ['journal'], ['experiments']]);
});

test('after a break everything is fetched again: facts may have been missed', () => {
  const [source] = FakeSource.all;
  source?.onopen?.();
  expect(invalidated).toEqual([]);
  source?.onerror?.();
  source?.onopen?.();
  expect(invalidated).toEqual([undefined]);
});

test('a stream that was closed is opened again, ever more slowly', () => {
  const fail = () => {
    const source = FakeSource.all.at(-1);
    if (source) source.readyState = 2;
    source?.onerror?.();
  };
  fail();
  vi.advanceTimersByTime(1000);
  expect(FakeSource.all).toHaveLength(2);
  fail();
  vi.advanceTimersByTime(1000);
  expect(FakeSource.all).toHaveLength(2);
  vi.advanceTimersByTime(1000);
  expect(FakeSource.all).toHaveLength(3);
});

test('a stream that is refused makes the page ask whether there is still a session', () => {
  const [source] = FakeSource.all;
  source?.onerror?.(); // a break: the browser itself tries again
  expect(invalidated).toEqual([]);
  if (source) source.readyState = 2;
  source?.onerror?.();
  expect(invalidated).toEqual([['whoami']]);
});
