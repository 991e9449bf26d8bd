// The main pages: where they are, and the key that goes there after g.
import {
  IconActivityHeartbeat,
  IconBook2,
  IconChartLine,
  IconClipboardCheck,
  IconFileDescription,
  IconFlame,
  IconHeartRateMonitor,
  IconHistory,
  IconLayoutDashboard,
  IconRocket,
  IconStack2,
  type Icon,
} from '@tabler/icons-react';

export const places = [
  { to: '/', label: 'Overview', key: 'o', icon: IconLayoutDashboard },
  { to: '/incidents', label: 'Incidents', key: 'i', icon: IconFlame },
  { to: '/workloads', label: 'Workloads', key: 'w', icon: IconActivityHeartbeat },
  { to: '/health', label: 'Health', key: 'h', icon: IconHeartRateMonitor },
  { to: '/procedures', label: 'Procedures', key: 'p', icon: IconBook2 },
  { to: '/changes', label: 'Changes', key: 'c', icon: IconRocket },
  { to: '/explore', label: 'Explore', key: 'e', icon: IconChartLine },
  { to: '/analyses', label: 'Analyses', key: 'n', icon: IconFileDescription },
  { to: '/assessment', label: 'Assessment', key: 'a', icon: IconClipboardCheck },
  { to: '/catalog', label: 'Catalog', key: 't', icon: IconStack2 },
  { to: '/journal', label: 'Journal', key: 'j', icon: IconHistory },
] as const satisfies readonly { to: string; label: string; key: string; icon: Icon }[];

export type Place = (typeof places)[number]['to'];
