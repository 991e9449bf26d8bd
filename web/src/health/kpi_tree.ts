// From the business outcome to the signal: which indicator leads to which outcome, which objective guards it.
import type { Kpi, Slo } from './health_queries';

export interface Branch {
  kpi: Kpi;
  children: Branch[];
  slos: Slo[];
}

/** Outcomes first by name; what leads to a KPI that is not there stands by itself. A circle is cut. */
export function kpiTree(kpis: Kpi[], slos: Slo[]): Branch[] {
  const names = new Set(kpis.map((it) => it.name));
  const sorted = kpis.toSorted((a, b) => a.name.localeCompare(b.name));
  const branch = (kpi: Kpi, above: ReadonlySet<string>): Branch => ({
    kpi,
    slos: slos.filter((it) => it.kpi === kpi.name),
    children: sorted
      .filter((it) => it.parent === kpi.name && !above.has(it.name))
      .map((it) => branch(it, new Set([...above, it.name]))),
  });
  return sorted.filter((it) => !names.has(it.parent)).map((it) => branch(it, new Set([it.name])));
}
