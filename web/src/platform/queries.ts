// What all questions and commands to the server share: when to ask again, and what an ended session means.
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiError } from './api';

/** The question that the session rests on: session.tsx asks it and shows the log-in when the answer is nobody. */
export const kWhoAmI = ['whoami'] as const;

export function createQueryClient(): QueryClient {
  // Sessions end (after their time, with their token, with the server), and the first to hear of it is whichever
  // question is asked next. Without asking who is logged in, the page would go on showing what it last saw.
  const onError = (error: Error) => {
    if (error instanceof ApiError && error.status === 401)
      void queries.invalidateQueries({ queryKey: kWhoAmI }, { cancelRefetch: false });
  };
  const queries = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        refetchOnWindowFocus: true,
        retry: (count, error) =>
          count < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
      },
    },
  });
  return queries;
}
