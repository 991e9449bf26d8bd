import { useConnection } from './live';

/** How often to ask while the live stream is down; never while it is up (facts say when to). */
export function useFallbackInterval(): number | false {
  return useConnection() === 'live' ? false : 10_000;
}
