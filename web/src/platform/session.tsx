// Who is asking. The page itself loads for everybody; what it shows needs a session, made from a token.
import { Alert, Button, PasswordInput } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, useContext, useEffect, useState, type ReactNode } from 'react';
import { answer, ApiError, client, type Schemas } from './api';
import { followFacts } from './live';
import { Logo } from './logo';
import { kWhoAmI } from './queries';
import { Failure } from './states';

export type Identity = Schemas['Identity'];
export type Role = Identity['role'];

const ranks: Record<Role, number> = { public: 0, viewer: 1, responder: 2, operator: 3, admin: 4 };

export function allows(role: Role, needed: Role): boolean {
  return ranks[role] >= ranks[needed];
}

const IdentityContext = createContext<Identity | undefined>(undefined);

export function useIdentity(): Identity {
  const identity = useContext(IdentityContext);
  if (!identity) throw new Error('useIdentity outside of a session');
  return identity;
}

/** Why somebody may not do this, or undefined when they may. The server decides; this only explains beforehand. */
export function useRefusal(needed: Role): string | undefined {
  const { role } = useIdentity();
  return allows(role, needed) ? undefined : `Needs the role ${needed}; yours is ${role}.`;
}

/** The identity; null when the server knows nobody: that, too, is an answer, and replaces the one before. */
async function askWhoIAm(signal: AbortSignal): Promise<Identity | null> {
  try {
    return await answer(client.GET('/api/v1/whoami', { signal }));
  } catch (error) {
    if (error instanceof ApiError && [401, 403].includes(error.status)) return null;
    throw error;
  }
}

export function SessionGate({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const whoAmI = useQuery({
    queryKey: kWhoAmI,
    queryFn: ({ signal }) => askWhoIAm(signal),
    staleTime: 60_000,
    refetchInterval: (query) => (query.state.status === 'error' ? 5_000 : false),
  });
  const actor = whoAmI.data?.actor;
  useEffect(() => (actor === undefined ? undefined : followFacts(queries)), [actor, queries]);

  if (whoAmI.data) {
    return <IdentityContext.Provider value={whoAmI.data}>{children}</IdentityContext.Provider>;
  }
  if (whoAmI.data === null) return <LoginPage />;
  if (whoAmI.error) {
    return (
      <main className="login">
        <Failure error={whoAmI.error} retry={() => void whoAmI.refetch()} />
      </main>
    );
  }
  return <main className="login" aria-busy="true" aria-label="Loading" />;
}

export function LoginPage() {
  const queries = useQueryClient();
  const [token, setToken] = useState('');
  const login = useMutation({
    mutationFn: () => answer(client.POST('/api/v1/session', { body: { token: token.trim() } })),
    // Nothing that somebody else saw is kept, and who is asking is asked again at once: a cleared cache would
    // forget that question and wait for its next turn.
    onSuccess: () => queries.resetQueries(),
  });
  return (
    <main className="login">
      <form
        className="login-card"
        onSubmit={(event) => {
          event.preventDefault();
          if (token.trim() !== '') login.mutate();
        }}
      >
        <h1 className="login-title">
          <Logo /> Wellrun
        </h1>
        <p className="dim">Log in with a token to see how your workloads are doing.</p>
        <PasswordInput
          label="Token"
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
          autoComplete="current-password"
          autoFocus
        />
        {login.error && (
          <Alert
            color="red"
            variant="light"
            icon={<IconAlertTriangle size={18} />}
            title="Not accepted"
          >
            {login.error.message}
          </Alert>
        )}
        <Button type="submit" loading={login.isPending} disabled={token.trim() === ''} fullWidth>
          Log in
        </Button>
        <p className="dim small">
          The first start of the server prints a one-time admin token. More tokens:{' '}
          <code>wellrun token create</code>
        </p>
      </form>
    </main>
  );
}

export async function logOut(): Promise<void> {
  await client.DELETE('/api/v1/session').catch(() => undefined);
  location.assign('/');
}
