// Every page and its address. What a page shows is in its URL, so that a link shows another reader the same.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
} from '@tanstack/react-router';
import { Empty, Failure, Loading } from './states';
import { Shell } from './shell';

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <Empty title="There is no such page">
      The address may be mistyped. <Link to="/">Go to the overview</Link>
    </Empty>
  ),
});

/** A text parameter of the URL, absent when it is empty. */
function text(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function oneOf<const Options extends readonly string[]>(
  options: Options,
): (value: unknown) => Options[number] | undefined {
  return (value) => options.find((option) => option === value);
}

const incidentState = oneOf(['open', 'resolved', 'all']);
const exploreTab = oneOf(['metrics', 'logs', 'traces']);

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('../overview/overview_page'), 'OverviewPage'),
});
const workloads = createRoute({
  getParentRoute: () => root,
  path: '/workloads',
  component: lazyRouteComponent(() => import('../catalog/workloads_page'), 'WorkloadsPage'),
});
const workload = createRoute({
  getParentRoute: () => root,
  path: '/workloads/$name',
  validateSearch: (search: Record<string, unknown>): { range?: string } => ({
    range: text(search['range']),
  }),
  component: lazyRouteComponent(() => import('../catalog/workload_page'), 'WorkloadPage'),
});
const resources = createRoute({
  getParentRoute: () => root,
  path: '/catalog',
  validateSearch: (search: Record<string, unknown>): { kind?: string; name?: string } => ({
    kind: text(search['kind']),
    name: text(search['name']),
  }),
  component: lazyRouteComponent(() => import('../catalog/resources_page'), 'ResourcesPage'),
});
const incidents = createRoute({
  getParentRoute: () => root,
  path: '/incidents',
  validateSearch: (
    search: Record<string, unknown>,
  ): { state?: 'open' | 'resolved' | 'all'; workload?: string } => ({
    state: incidentState(search['state']),
    workload: text(search['workload']),
  }),
  component: lazyRouteComponent(() => import('../respond/incidents_page'), 'IncidentsPage'),
});
const incident = createRoute({
  getParentRoute: () => root,
  path: '/incidents/$id',
  component: lazyRouteComponent(() => import('../respond/incident_page'), 'IncidentPage'),
});
const procedures = createRoute({
  getParentRoute: () => root,
  path: '/procedures',
  component: lazyRouteComponent(() => import('../procedures/procedures_page'), 'ProceduresPage'),
});
const procedure = createRoute({
  getParentRoute: () => root,
  path: '/procedures/$name',
  validateSearch: (search: Record<string, unknown>): { incident?: string } => ({
    incident: text(search['incident']),
  }),
  component: lazyRouteComponent(() => import('../procedures/procedure_page'), 'ProcedurePage'),
});
const runs = createRoute({
  getParentRoute: () => root,
  path: '/runs',
  validateSearch: (search: Record<string, unknown>): { runbook?: string; state?: string } => ({
    runbook: text(search['runbook']),
    state: text(search['state']),
  }),
  component: lazyRouteComponent(() => import('../procedures/runs_page'), 'RunsPage'),
});
const run = createRoute({
  getParentRoute: () => root,
  path: '/runs/$id',
  component: lazyRouteComponent(() => import('../procedures/run_page'), 'RunPage'),
});
const health = createRoute({
  getParentRoute: () => root,
  path: '/health',
  component: lazyRouteComponent(() => import('../health/health_page'), 'HealthPage'),
});
const effectiveness = createRoute({
  getParentRoute: () => root,
  path: '/effectiveness',
  component: lazyRouteComponent(() => import('../health/effectiveness_page'), 'EffectivenessPage'),
});
const slo = createRoute({
  getParentRoute: () => root,
  path: '/slos/$name',
  component: lazyRouteComponent(() => import('../health/slo_page'), 'SloPage'),
});
const forecast = createRoute({
  getParentRoute: () => root,
  path: '/forecasts/$id',
  component: lazyRouteComponent(() => import('../health/forecast_page'), 'ForecastPage'),
});
const changes = createRoute({
  getParentRoute: () => root,
  path: '/changes',
  validateSearch: (search: Record<string, unknown>): { workload?: string } => ({
    workload: text(search['workload']),
  }),
  component: lazyRouteComponent(() => import('../change/changes_page'), 'ChangesPage'),
});
const analyses = createRoute({
  getParentRoute: () => root,
  path: '/analyses',
  component: lazyRouteComponent(() => import('../improve/analyses_page'), 'AnalysesPage'),
});
const analysis = createRoute({
  getParentRoute: () => root,
  path: '/analyses/$id',
  component: lazyRouteComponent(() => import('../improve/analysis_page'), 'AnalysisPage'),
});
const assessment = createRoute({
  getParentRoute: () => root,
  path: '/assessment',
  validateSearch: (
    search: Record<string, unknown>,
  ): { area?: string; verdict?: string; row?: string } => ({
    area: text(search['area']),
    verdict: text(search['verdict']),
    row: text(search['row']),
  }),
  component: lazyRouteComponent(() => import('../assess/assessment_page'), 'AssessmentPage'),
});
const explore = createRoute({
  getParentRoute: () => root,
  path: '/explore',
  validateSearch: (
    search: Record<string, unknown>,
  ): {
    tab?: 'metrics' | 'logs' | 'traces';
    query?: string;
    range?: string;
    service?: string;
    severity?: string;
    trace?: string;
    contains?: string;
    normal?: 'on';
  } => ({
    tab: exploreTab(search['tab']),
    query: text(search['query']),
    range: text(search['range']),
    service: text(search['service']),
    severity: text(search['severity']),
    trace: text(search['trace']),
    contains: text(search['contains']),
    normal: search['normal'] === 'on' ? 'on' : undefined,
  }),
  component: lazyRouteComponent(() => import('../telemetry/explore_page'), 'ExplorePage'),
});
const journal = createRoute({
  getParentRoute: () => root,
  path: '/journal',
  validateSearch: (
    search: Record<string, unknown>,
  ): { type?: string; correlation?: string; seq?: string } => ({
    type: text(search['type']),
    correlation: text(search['correlation']),
    seq: text(search['seq']),
  }),
  component: lazyRouteComponent(() => import('../journal/journal_page'), 'JournalPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    workloads,
    workload,
    resources,
    incidents,
    incident,
    procedures,
    procedure,
    runs,
    run,
    health,
    effectiveness,
    slo,
    forecast,
    changes,
    analyses,
    analysis,
    assessment,
    explore,
    journal,
  ]),
  defaultPreload: 'intent',
  defaultPendingComponent: () => <Loading rows={6} />,
  defaultErrorComponent: ({ error, reset }) => (
    <Failure error={error instanceof Error ? error : new Error(String(error))} retry={reset} />
  ),
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
