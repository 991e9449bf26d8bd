// What somebody expects of a metric, and the newest verdict on it.
import type { Schemas } from '../platform/api';
import { StatusMark } from '../platform/status';

type Expectation = Schemas['Expectation'];

/** "checkout-errors is to get lower by 20 % or more, within 7d" */
export function expectationText(it: Expectation): string {
  const share = Number((100 * it.smallest).toPrecision(3));
  const against = it.control ? `, against ${it.control}` : '';
  return `${it.metric} is to get ${it.direction} by ${share} % or more, within ${it.watch}${against}`;
}

export function Effect({
  expects,
  effect,
}: {
  expects?: Expectation | null;
  effect?: Schemas['EffectVerdict'] | null;
}) {
  if (!expects) return null;
  return (
    <span className="sub">
      {expectationText(expects)}
      {effect && <Verdict verdict={effect} />}
    </span>
  );
}

export function Verdict({ verdict }: { verdict: Schemas['EffectVerdict'] }) {
  return (
    <span title={`${verdict.test}. ${verdict.threshold}`}>
      {' '}
      <StatusMark state={verdict.state} bare /> {verdict.doubt && `(${verdict.doubt}) `}
      {verdict.reason}
    </span>
  );
}
