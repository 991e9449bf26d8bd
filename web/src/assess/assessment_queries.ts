import { useQuery } from '@tanstack/react-query';
import { answer, client, type Schemas } from '../platform/api';

export type Assessment = Schemas['Assessment'];
export type PracticeRow = Schemas['PracticeRow'];

export function useAssessment() {
  return useQuery({
    queryKey: ['assessment', 'now'],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/assessment', { signal })),
    refetchInterval: 60_000,
    staleTime: 20_000,
  });
}

export function useAssessmentHistory() {
  return useQuery({
    queryKey: ['assessment', 'history'],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/assessment/history', { signal })),
  });
}

export function rowsOf(assessment: Assessment): PracticeRow[] {
  return assessment.areas.flatMap((area) => area.rows);
}

const verdictOrder = ['not', 'partly', 'no_evidence', 'practised', 'no_rule'];

/** The row whose next step gains the most: something is known about it, and it is far from done. */
export function nextBestStep(rows: PracticeRow[]): PracticeRow | undefined {
  return rows
    .filter(
      (row) => row.next_step !== '' && row.verdict !== 'practised' && row.verdict !== 'no_rule',
    )
    .sort(
      (left, right) =>
        verdictOrder.indexOf(left.verdict) - verdictOrder.indexOf(right.verdict) ||
        left.score - right.score,
    )[0];
}
