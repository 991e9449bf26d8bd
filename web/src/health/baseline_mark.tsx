import { StatusMark } from '../platform/status';
import type { Baseline } from './baseline_queries';

/** Whether a series is as usual; nothing where that goes without saying. */
export function BaselineMark({ baseline }: { baseline: Baseline }) {
  if (baseline.phase === 'watching') return null;
  return (
    <div className="small" title={baseline.explanation}>
      <StatusMark state={baseline.phase} />
    </div>
  );
}
