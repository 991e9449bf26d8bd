// Experiments: what is believed, what is watched beside it, and what came of it.
import { Empty } from '../platform/states';
import { StatusMark } from '../platform/status';
import { Time } from '../platform/time';
import type { Experiment } from './analysis_queries';
import { Effect, Verdict } from './effect';

export function ExperimentList({ experiments }: { experiments: Experiment[] }) {
  if (experiments.length === 0)
    return (
      <Empty title="No experiment yet">
        <code>wellrun experiment start --hypothesis …</code> says what is believed, and by which
        metric it shows.
      </Empty>
    );
  return (
    <ul className="list">
      {experiments.map((it) => (
        <li key={it.id} className="list-line">
          <span>
            <span className="strong">{it.hypothesis}</span>
            <span className="dim small">
              {' '}
              · {it.id} · {it.owner} · started <Time at={it.started_at} />
            </span>
            <Effect expects={it.expects} effect={it.verdict} />
            {it.guard_rails.map((rail, index) => (
              <GuardRail key={index} rail={rail} verdict={it.guard_rail_verdicts[index]} />
            ))}
            {it.state === 'stopped' && <span className="sub">Stopped: {it.reason}</span>}
            {it.learned && <span className="sub">Learnt: {it.learned}</span>}
          </span>
          <StatusMark state={it.state} />
        </li>
      ))}
    </ul>
  );
}

function GuardRail({
  rail,
  verdict,
}: {
  rail: Experiment['guard_rails'][number];
  verdict?: Experiment['guard_rail_verdicts'][number];
}) {
  return (
    <span className="sub">
      Guard rail: {rail.metric} must not get {rail.direction} by{' '}
      {Number((100 * rail.smallest).toPrecision(3))} %{verdict && <Verdict verdict={verdict} />}
    </span>
  );
}
