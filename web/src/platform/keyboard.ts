// Keys of the whole page: g and a letter goes somewhere, / searches, ? helps; and those of what is shown just now, as a to
// acknowledge an incident. Nothing happens while somebody types, or behind a dialog.
import { useEffect, useRef } from 'react';
import { places, type Place } from './navigation';

const kChordMs = 1200;

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

export interface Keys {
  go: (to: Place) => void;
  search: () => void;
  help: () => void;
}

export interface PageKey {
  key: string;
  label: string;
  run: () => void;
}

const shown = new Set<readonly PageKey[]>();

/** The keys of what is shown just now, for the help. */
export function pageKeys(): PageKey[] {
  return [...shown].flat();
}

/** Keys while this is shown; an empty list where there are none. */
export function usePageKeys(keys: PageKey[]): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  const names = keys.map(({ key, label }) => `${key} ${label}`).join('\n');
  useEffect(() => {
    const mine = names
      .split('\n')
      .filter(Boolean)
      .map((name) => ({
        key: name.slice(0, 1),
        label: name.slice(2),
        run: () => latest.current.find(({ key }) => key === name.slice(0, 1))?.run(),
      }));
    shown.add(mine);
    return () => void shown.delete(mine);
  }, [names]);
}

/** A listener for keydown that remembers a g for a moment. */
export function keyListener(keys: Keys): (event: KeyboardEvent) => void {
  let chordSince = -Infinity;
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.composedPath()[0] ?? event.target)) return; // also inside a shadow root
    const chord = event.timeStamp - chordSince < kChordMs;
    chordSince = -Infinity;
    if (chord) {
      const place = places.find(({ key }) => key === event.key);
      if (place) {
        event.preventDefault();
        keys.go(place.to);
      }
      return;
    }
    if (event.key === 'g') chordSince = event.timeStamp;
    else if (event.key === '/') {
      event.preventDefault();
      keys.search();
    } else if (event.key === '?') {
      event.preventDefault();
      keys.help();
    } else {
      const found = pageKeys().find(({ key }) => key === event.key);
      if (!found || document.querySelector('[role="dialog"]')) return;
      event.preventDefault();
      found.run();
    }
  };
}

export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const listener = keyListener({
      go: (to) => latest.current.go(to),
      search: () => latest.current.search(),
      help: () => latest.current.help(),
    });
    window.addEventListener('keydown', listener);
    return () => window.removeEventListener('keydown', listener);
  }, []);
}
