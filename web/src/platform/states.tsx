// What a page shows while it has nothing to show: loading, empty, failed. Each says what to do next.
import { Button, Skeleton } from '@mantine/core';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiError } from './api';

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

/** Skeleton, failure or the data. Data once seen stays on the page when a later fetch fails. */
export function Loaded<T>({ query, rows = 3, children }: LoadedProps<T>) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  return <Loading rows={rows} />;
}
