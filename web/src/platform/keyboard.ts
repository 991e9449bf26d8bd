// Keys of the whole page: g and a letter goes somewhere, / searches, ? helps. Nothing happens while somebody types.
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
