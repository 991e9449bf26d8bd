// What a page shows while it has nothing to show: loading, empty, failed. Each says what to do next.
import { Button, Skeleton } from '@mantine/core';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiError } from './api';
import { Time } from './time';

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children && <div className="dim">{children}</div>}
    </div>
  );
}

export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const title = error instanceof ApiError ? error.title : 'This could not be shown';
  const detail = error instanceof ApiError ? error.detail : error.message;
  return (
    <div className="failure" role="alert">
      <IconAlertTriangle size={20} aria-hidden />
      <div>
        <p className="failure-title">{title}</p>
        {detail !== '' && detail !== title && <p>{detail}</p>}
        {error instanceof ApiError && error.context !== '' && <code>{error.context}</code>}
        {retry && (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconRefresh size={14} />}
            onClick={retry}
          >
            Try again
          </Button>
        )}
      </div>
    </div>
  );
}

export function Loading({ rows = 3 }: { rows?: number }) {
  return (
    <div className="loading" aria-busy="true" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={18} radius="sm" width={`${92 - ((index * 17) % 40)}%`} />
      ))}
    </div>
  );
}

interface LoadedProps<T> {
  query: UseQueryResult<T>;
  rows?: number;
  children: (data: T) => ReactNode;
}

/** What is wrong with what is shown: it never came, or it is old. Nothing while the newest fetch succeeded. */
export function Doubt<T>({ query }: { query: UseQueryResult<T> }) {
  if (!query.error) return null;
  if (query.data === undefined)
    return <Failure error={query.error} retry={() => void query.refetch()} />;
  return (
    <p className="stale small" role="status">
      Could not be fetched again ({query.error.message}). What you see is from{' '}
      <Time at={new Date(query.dataUpdatedAt).toISOString()} />.
    </p>
  );
}

/** Skeleton, failure or the data. Data once seen stays on the page when a later fetch fails, and is said to be old. */
export function Loaded<T>({ query, rows = 3, children }: LoadedProps<T>) {
  if (query.data === undefined && !query.error) return <Loading rows={rows} />;
  return (
    <>
      <Doubt query={query} />
      {query.data !== undefined && children(query.data)}
    </>
  );
}
