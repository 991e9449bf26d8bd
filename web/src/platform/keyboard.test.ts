import { renderHook } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keyListener, pageKeys, usePageKeys } from './keyboard';

const keys = { go: vi.fn(), search: vi.fn(), help: vi.fn() };
let listener: (event: KeyboardEvent) => void;

beforeEach(() => {
  vi.clearAllMocks();
  listener = keyListener(keys);
  window.addEventListener('keydown', listener);
});
afterEach(() => {
  window.removeEventListener('keydown', listener);
  document.body.replaceChildren();
});

function press(key: string, target: EventTarget = document.body, init: KeyboardEventInit = {}) {
  target.dispatchEvent(
    new KeyboardEvent('keydown', { key, bubbles: true, composed: true, cancelable: true, ...init }),
  );
}

test('g and a letter go somewhere; the letter alone does not', () => {
  press('i');
  expect(keys.go).not.toHaveBeenCalled();
  press('g');
  press('i');
  expect(keys.go).toHaveBeenCalledWith('/incidents');
});

test('a letter that leads nowhere ends the chord', () => {
  press('g');
  press('x');
  press('i');
  expect(keys.go).not.toHaveBeenCalled();
});

test('nothing happens while somebody types, in a field or inside a shadow root', () => {
  const input = document.body.appendChild(document.createElement('input'));
  press('/', input);
  const host = document.body.appendChild(document.createElement('div'));
  const inner = document.createElement('textarea');
  host.attachShadow({ mode: 'open' }).append(inner);
  press('?', inner);
  expect(keys.search).not.toHaveBeenCalled();
  expect(keys.help).not.toHaveBeenCalled();
});

test('keys with Ctrl belong to the browser', () => {
  press('/', document.body, { ctrlKey: true });
  expect(keys.search).not.toHaveBeenCalled();
  press('/');
  expect(keys.search).toHaveBeenCalledOnce();
});

test('what is shown has keys of its own, but not within a chord or behind a dialog', () => {
  const acknowledge = vi.fn();
  const shown = renderHook(() =>
    usePageKeys([{ key: 'a', label: 'Acknowledge', run: acknowledge }]),
  );
  press('g');
  press('a');
  expect(acknowledge).not.toHaveBeenCalled();
  press('a');
  expect(acknowledge).toHaveBeenCalledOnce();
  const dialog = document.body.appendChild(document.createElement('div'));
  dialog.setAttribute('role', 'dialog');
  press('a');
  expect(acknowledge).toHaveBeenCalledOnce();
  expect(pageKeys().map(({ label }) => label)).toEqual(['Acknowledge']);
  shown.unmount();
  expect(pageKeys()).toEqual([]);
});
