// How well each practice is done, from evidence: by area, with what shows it and the next best step.
import { NativeSelect } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { answer, client } from '../platform/api';
import { CommandButton, useCommand } from '../platform/command';
import { formatScore } from '../platform/format';
import { Figure, Meter, Page, Panel } from '../platform/page';
import { Empty, Loaded } from '../platform/states';
import { StatusMark } from '../platform/status';
import { Time } from '../platform/time';
import {
  nextBestStep,
  rowsOf,
  useAssessment,
  useAssessmentHistory,
  type Assessment,
  type PracticeRow,
} from './assessment_queries';

const route = getRouteApi('/assessment');
const verdicts = [
  { value: '', label: 'Any verdict' },
  { value: 'practised', label: 'Practised' },
  { value: 'partly', label: 'Partly' },
  { value: 'not', label: 'Not practised' },
  { value: 'no_evidence', label: 'No evidence' },
  { value: 'no_rule', label: 'No rule yet' },
];

export function AssessmentPage() {
  const assessment = useAssessment();
  const record = useCommand({
    run: () => answer(client.POST('/api/v1/assessment')),
    touches: ['assessment', 'journal'],
    done: 'Recorded in the journal',
  });
  return (
    <Page
      title="Assessment"
      lead="Every practice of operational excellence, scored from what was recorded, not from what was claimed."
      actions={
        <CommandButton
          role="operator"
          variant="default"
          onClick={() => record.mutate()}
          loading={record.isPending}
        >
          Record it
        </CommandButton>
      }
    >
      <Loaded query={assessment} rows={10}>
        {(data) => <AssessmentView assessment={data} />}
      </Loaded>
    </Page>
  );
}

function scoreTone(score: number): 'good' | 'warn' | 'bad' {
  if (score >= 66) return 'good';
  return score >= 33 ? 'warn' : 'bad';
}

function AssessmentView({ assessment }: { assessment: Assessment }) {
  const { area, verdict, row } = route.useSearch();
  const navigate = route.useNavigate();
  const all = rowsOf(assessment);
  const count = (wanted: string) => all.filter((it) => it.verdict === wanted).length;
  const step = nextBestStep(all);
  const shown = assessment.areas
    .filter((it) => !area || it.name === area)
    .map((it) => ({
      ...it,
      rows: it.rows.filter((each) => !verdict || each.verdict === verdict),
    }));
  return (
    <>
      <Panel
        title="Now"
        aside={
          <span>
            edition {assessment.edition} · <Time at={assessment.at} />
          </span>
        }
      >
        <div className="stack">
          <div className="figures">
            <Figure label="score" value={formatScore(assessment.score, 1)} />
            <Figure label="practised" value={count('practised')} />
            <Figure label="partly" value={count('partly')} />
            <Figure label="not practised" value={count('not')} />
            <Figure label="no evidence" value={count('no_evidence')} />
            <Figure label="no rule yet" value={count('no_rule')} />
            <History />
          </div>
          {step && (
            <div className="next-step">
              <span className="dim small">Next best step</span>
              <br />
              <Link to="/assessment" search={{ row: step.id }} className="title-link">
                {step.id} {step.title}
              </Link>
              : {step.next_step}
            </div>
          )}
        </div>
      </Panel>
      <div className="areas">
        {assessment.areas.map((it) => (
          <Link
            key={it.name}
            to="/assessment"
            search={area === it.name ? { verdict } : { area: it.name, verdict }}
            className="area"
            aria-current={area === it.name}
          >
            <span className="list-line">
              <span className="strong">{it.name}</span>
              <span>{formatScore(it.score, 0)}</span>
            </span>
            <Meter
              share={it.score / 100}
              tone={scoreTone(it.score)}
              label={`${it.name}: ${formatScore(it.score, 0)}`}
            />
            <span className="dim small">
              {it.rows.filter((each) => each.verdict === 'practised').length} of {it.rows.length}{' '}
              practised
            </span>
          </Link>
        ))}
      </div>
      <div className="filters">
        <NativeSelect
          size="xs"
          aria-label="Verdict"
          value={verdict ?? ''}
          onChange={(event) => {
            const chosen = event.currentTarget.value || undefined;
            void navigate({ search: (it) => ({ ...it, verdict: chosen }) });
          }}
          data={verdicts}
        />
        {(area || verdict) && (
          <Link to="/assessment" search={{}}>
            Show all
          </Link>
        )}
      </div>
      {shown.map((it) => (
        <Panel
          key={it.name}
          title={it.name}
          flush
          aside={<span>score {formatScore(it.score, 0)}</span>}
        >
          {it.rows.length === 0 && <Empty title="No practice with this verdict" />}
          <Practices rows={it.rows} open={row} apart={!verdict} />
        </Panel>
      ))}
    </>
  );
}

/** What is measured first; practices that no rule looks at yet stand together below it, `apart`, folded away. */
function Practices({
  rows,
  open,
  apart,
}: {
  rows: PracticeRow[];
  open: string | undefined;
  apart: boolean;
}) {
  const without = apart ? rows.filter((it) => it.verdict === 'no_rule') : [];
  const list = (some: PracticeRow[]) =>
    some.map((it) => <Practice key={it.id} row={it} open={it.id === open} />);
  return (
    <>
      {list(rows.filter((it) => !without.includes(it)))}
      {without.length > 0 && (
        <details className="no-rules" open={without.some((it) => it.id === open)}>
          <summary>
            {without.length} more that no evidence rule looks at yet:{' '}
            {without.map((it) => it.id).join(', ')}
          </summary>
          {list(without)}
        </details>
      )}
    </>
  );
}

function Practice({ row, open }: { row: PracticeRow; open: boolean }) {
  return (
    <details
      className="practice"
      open={open}
      ref={(element) => {
        if (open) element?.scrollIntoView({ block: 'center' });
      }}
    >
      <summary>
        <span className="mono dim">{row.id}</span>
        <span>
          <span className="strong">{row.title}</span>
        </span>
        <span className="dim small practice-figure">{row.figure}</span>
        <StatusMark state={row.verdict} />
      </summary>
      <div className="practice-detail">
        {row.figure && (
          <p>
            {row.figure}
            {row.age && <span className="dim"> · {row.age}</span>}
          </p>
        )}
        {row.evidence.length > 0 && (
          <ul>
            {row.evidence.map((it, index) => (
              <li key={index}>{it.link ? <a href={it.link}>{it.text}</a> : it.text}</li>
            ))}
          </ul>
        )}
        {row.evidence.length === 0 && (
          <p className="dim">
            {row.verdict === 'no_rule'
              ? 'There is no evidence rule for this practice yet, so it scores 0.'
              : 'Nothing that was recorded shows this practice.'}
          </p>
        )}
        {row.next_step && <div className="next-step">{row.next_step}</div>}
        {row.aliases.length > 0 && (
          <p className="dim small">Also known as {row.aliases.join(', ')}</p>
        )}
      </div>
    </details>
  );
}

function History() {
  const history = useAssessmentHistory();
  const last = history.data?.items[0];
  if (!last) return null;
  return (
    <Figure
      label="when last recorded"
      value={
        <>
          {formatScore(last.score, 1)}{' '}
          <span className="dim small">
            <Time at={last.at} />
          </span>
        </>
      }
    />
  );
}
