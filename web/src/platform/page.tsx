// The parts every page is put together from.
import { useEffect, type ReactNode } from 'react';

interface PageProps {
  title: string;
  before?: ReactNode;
  after?: ReactNode;
  lead?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

export function Page({ title, before, after, lead, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Wellrun`;
  }, [title]);
  return (
    <div className="page">
      <header className="page-head">
        <div className="page-head-text">
          <div className="page-title">
            {before}
            <h1>{title}</h1>
            {after}
          </div>
          {lead && <div className="page-lead">{lead}</div>}
        </div>
        {actions && <div className="page-actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

interface PanelProps {
  title: ReactNode;
  aside?: ReactNode;
  flush?: boolean;
  children: ReactNode;
}

export function Panel({ title, aside, flush, children }: PanelProps) {
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{title}</h2>
        {aside && <div className="panel-aside">{aside}</div>}
      </header>
      <div className={flush ? 'panel-flush' : 'panel-body'}>{children}</div>
    </section>
  );
}

export function Figure({ label, value, hint }: { label: string; value: ReactNode; hint?: string }) {
  return (
    <div className="figure" title={hint}>
      <span className="figure-value">{value}</span>
      <span className="figure-label">{label}</span>
    </div>
  );
}

/** A share of something, from 0 to 1; below 0 is empty. The number stands beside it, never only the bar. */
export function Meter({
  share,
  tone,
  label,
}: {
  share: number;
  tone: 'good' | 'warn' | 'bad' | 'mute';
  label: string;
}) {
  const bounded = Math.max(0, Math.min(1, share));
  return (
    <svg
      className="meter"
      data-tone={tone}
      viewBox="0 0 100 6"
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <rect className="meter-track" width="100" height="6" rx="3" />
      <rect className="meter-fill" width={bounded * 100} height="6" rx="3" />
    </svg>
  );
}
