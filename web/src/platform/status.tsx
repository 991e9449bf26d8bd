// One look for every state: a tone, an icon and the word, so that nothing rests on colour alone.
import {
  IconAlertOctagon,
  IconAlertTriangle,
  IconBan,
  IconCheck,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleDot,
  IconCircleX,
  IconClockPause,
  IconEye,
  IconHelpCircle,
  IconHourglass,
  IconLoader2,
  IconMinus,
  IconPlayerSkipForward,
  IconShieldCheck,
  IconUrgent,
  type Icon,
} from '@tabler/icons-react';
import { words } from './format';

export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'mute';

interface Look {
  tone: Tone;
  icon: Icon;
  text?: string;
}

const looks: Record<string, Look> = {
  // health of a workload
  healthy: { tone: 'good', icon: IconCircleCheck, text: 'Healthy' },
  at_risk: { tone: 'warn', icon: IconAlertTriangle, text: 'At risk' },
  critical: { tone: 'bad', icon: IconAlertOctagon, text: 'Critical' },
  no_data: { tone: 'mute', icon: IconCircleDashed, text: 'No data' },
  // KPIs and SLOs
  on_target: { tone: 'good', icon: IconCircleCheck, text: 'On target' },
  ok: { tone: 'good', icon: IconCircleCheck, text: 'Met' },
  met: { tone: 'good', icon: IconCircleCheck, text: 'Met' },
  missed: { tone: 'bad', icon: IconCircleX, text: 'Missed' },
  breached: { tone: 'bad', icon: IconCircleX, text: 'Breached' },
  exhausted: { tone: 'bad', icon: IconCircleX, text: 'Budget spent' },
  burning: { tone: 'bad', icon: IconAlertOctagon, text: 'Burning' },
  // what is watched, and findings
  learning: { tone: 'mute', icon: IconHourglass, text: 'Learning what is normal' },
  watching: { tone: 'good', icon: IconCircleCheck, text: 'As usual' },
  anomalous: { tone: 'warn', icon: IconAlertTriangle, text: 'Unusual' },
  silent: { tone: 'mute', icon: IconCircleDashed, text: 'Silent' },
  // incidents
  triggered: { tone: 'bad', icon: IconUrgent, text: 'Triggered' },
  acknowledged: { tone: 'warn', icon: IconEye, text: 'Acknowledged' },
  mitigated: { tone: 'info', icon: IconShieldCheck, text: 'Mitigated' },
  resolved: { tone: 'good', icon: IconCircleCheck, text: 'Resolved' },
  // runs and steps
  pending: { tone: 'mute', icon: IconCircleDashed, text: 'Pending' },
  running: { tone: 'info', icon: IconLoader2, text: 'Running' },
  waiting_approval: { tone: 'warn', icon: IconClockPause, text: 'Waiting for approval' },
  unknown: { tone: 'warn', icon: IconHelpCircle, text: 'Outcome unknown' },
  succeeded: { tone: 'good', icon: IconCheck, text: 'Succeeded' },
  failed: { tone: 'bad', icon: IconCircleX, text: 'Failed' },
  cancelled: { tone: 'mute', icon: IconBan, text: 'Cancelled' },
  skipped: { tone: 'mute', icon: IconPlayerSkipForward, text: 'Skipped' },
  rolled_back: { tone: 'warn', icon: IconAlertTriangle, text: 'Rolled back' },
  started: { tone: 'info', icon: IconHourglass, text: 'Under way' },
  // pages to people
  requested: { tone: 'info', icon: IconHourglass, text: 'Being sent' },
  sent: { tone: 'good', icon: IconCheck, text: 'Sent' },
  // practices
  practised: { tone: 'good', icon: IconCircleCheck, text: 'Practised' },
  partly: { tone: 'warn', icon: IconCircleDot, text: 'Partly' },
  not: { tone: 'bad', icon: IconCircleX, text: 'Not practised' },
  no_evidence: { tone: 'mute', icon: IconCircleDashed, text: 'No evidence' },
  no_rule: { tone: 'mute', icon: IconMinus, text: 'No rule yet' },
  // status pages
  operational: { tone: 'good', icon: IconCircleCheck, text: 'Operational' },
  degraded: { tone: 'warn', icon: IconAlertTriangle, text: 'Degraded' },
  outage: { tone: 'bad', icon: IconAlertOctagon, text: 'Outage' },
  // analyses and actions
  draft: { tone: 'warn', icon: IconCircleDot, text: 'Draft' },
  signed: { tone: 'good', icon: IconShieldCheck, text: 'Signed' },
  open: { tone: 'info', icon: IconCircleDot, text: 'Open' },
  finished: { tone: 'good', icon: IconCheck, text: 'Finished' },
  // effects and experiments
  confirmed: { tone: 'good', icon: IconCircleCheck, text: 'Confirmed' },
  refuted: { tone: 'info', icon: IconCircleX, text: 'Refuted' },
  continue: { tone: 'mute', icon: IconHourglass, text: 'Nothing shown yet' },
  inconclusive: { tone: 'mute', icon: IconHelpCircle, text: 'Inconclusive' },
  harmful: { tone: 'bad', icon: IconAlertTriangle, text: 'Harmful' },
  stopped: { tone: 'mute', icon: IconBan, text: 'Stopped' },
  broken: { tone: 'bad', icon: IconAlertTriangle, text: 'Broken' },
  held: { tone: 'good', icon: IconShieldCheck, text: 'Held' },
};

export function lookOf(state: string): Look {
  return looks[state] ?? { tone: 'mute', icon: IconCircleDot };
}

export function StatusMark({ state, bare }: { state: string; bare?: boolean }) {
  const { tone, icon: Icon, text } = lookOf(state);
  return (
    <span className={bare ? 'mark mark-bare' : 'mark'} data-tone={tone}>
      <Icon
        size={14}
        stroke={2.2}
        aria-hidden
        className={state === 'running' ? 'spin' : undefined}
      />
      {text ?? words(state)}
    </span>
  );
}

/** Only the icon, with its meaning for the screen reader and as a title. */
export function StatusIcon({ state, size = 18 }: { state: string; size?: number }) {
  const { tone, icon: Icon, text } = lookOf(state);
  return (
    <span className="status-icon" data-tone={tone} title={text ?? words(state)}>
      <Icon size={size} stroke={2} role="img" aria-label={text ?? words(state)} />
    </span>
  );
}

const severityNames = ['', 'critical', 'major', 'minor', 'low'];

export function SeverityMark({ severity }: { severity: number }) {
  return (
    <span
      className="severity"
      data-severity={severity}
      title={`Severity ${severity}: ${severityNames[severity] ?? ''}`}
    >
      SEV {severity}
    </span>
  );
}
