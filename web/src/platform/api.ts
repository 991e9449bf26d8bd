// The one way to the server: a client typed by api/openapi.yaml, and errors as the server explains them.
import createClient from 'openapi-fetch';
import type { components, paths } from './api_types';

export type Schemas = components['schemas'];

/** What the server said went wrong (RFC 9457), or what kept us from reaching it (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly context = '',
  ) {
    super(detail || title);
  }
}

export function readCookie(name: string, cookies = document.cookie): string {
  for (const part of cookies.split('; ')) {
    const split = part.indexOf('=');
    if (part.slice(0, split) === name) return decodeURIComponent(part.slice(split + 1));
  }
  return '';
}

export const client = createClient<paths>({
  baseUrl: typeof location === 'undefined' ? '' : location.origin,
  credentials: 'same-origin',
  fetch: (request) => globalThis.fetch(request),
});

client.use({
  onRequest({ request }) {
    if (request.method !== 'GET') request.headers.set('X-Wellrun-Csrf', readCookie('wellrun_csrf'));
    return request;
  },
});

export function toApiError(error: unknown, status: number): ApiError {
  if (typeof error === 'object' && error !== null) {
    const problem = error as Record<string, unknown>;
    const text = (key: string) =>
      typeof problem[key] === 'string' ? (problem[key] as string) : '';
    return new ApiError(
      status,
      text('title') || text('errorType') || `The server answered ${status}`,
      text('detail') || text('error'),
      text('context'),
    );
  }
  const detail = typeof error === 'string' ? error.slice(0, 300) : '';
  return new ApiError(status, `The server answered ${status}`, detail);
}

interface Outcome<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The answer's body, or an ApiError thrown: what TanStack Query expects of a query function. */
export async function answer<T>(call: Promise<Outcome<T>>): Promise<T> {
  let outcome: Outcome<T>;
  try {
    outcome = await call;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new ApiError(
      0,
      'The server cannot be reached',
      'No answer from the server. Is it running, and is this computer online? The page goes on trying.',
    );
  }
  if (!outcome.response.ok || outcome.error !== undefined) {
    throw toApiError(outcome.error, outcome.response.status);
  }
  return outcome.data as T;
}
