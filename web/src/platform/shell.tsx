// The frame around every page: navigation, search, connection, theme, who is logged in.
import { ActionIcon, Button, Menu, useMantineColorScheme } from '@mantine/core';
import {
  IconDeviceDesktop,
  IconKeyboard,
  IconLogout,
  IconMenu2,
  IconMoon,
  IconSearch,
  IconSun,
  IconUserCircle,
  IconX,
} from '@tabler/icons-react';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useIncidents } from '../respond/incident_queries';
import { formatActor } from './format';
import { useKeys } from './keyboard';
import { useConnection } from './live';
import { Logo } from './logo';
import { places } from './navigation';
import { logOut, SessionGate, useIdentity } from './session';

const SearchDialog = lazy(() => import('./search').then((it) => ({ default: it.SearchDialog })));
const HelpDialog = lazy(() => import('./help').then((it) => ({ default: it.HelpDialog })));

export function Shell() {
  return (
    <SessionGate>
      <Frame />
    </SessionGate>
  );
}

function Frame() {
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [dialog, setDialog] = useState<'search' | 'help'>();
  const [menuFor, setMenuFor] = useState<string>(); // open on this path only: going somewhere closes it
  useKeys({
    go: (to) => void navigate({ to }),
    search: () => setDialog('search'),
    help: () => setDialog('help'),
  });
  const menuOpen = menuFor === path;
  return (
    <div className="frame">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <header className="topbar">
        <ActionIcon
          className="only-narrow"
          variant="subtle"
          color="gray"
          aria-label={menuOpen ? 'Close navigation' : 'Open navigation'}
          aria-expanded={menuOpen}
          onClick={() => setMenuFor(menuOpen ? undefined : path)}
        >
          {menuOpen ? <IconX size={20} /> : <IconMenu2 size={20} />}
        </ActionIcon>
        <Link to="/" className="brand" aria-label="Wellrun: overview">
          <Logo /> <span>Wellrun</span>
        </Link>
        <button type="button" className="search-opener" onClick={() => setDialog('search')}>
          <IconSearch size={15} aria-hidden />
          <span>Search</span>
          <kbd>/</kbd>
        </button>
        <div className="topbar-end">
          <ConnectionMark />
          <ActionIcon
            className="only-wide"
            variant="subtle"
            color="gray"
            aria-label="Keyboard shortcuts"
            title="Keyboard shortcuts (?)"
            onClick={() => setDialog('help')}
          >
            <IconKeyboard size={18} />
          </ActionIcon>
          <ThemeToggle />
          <Account />
        </div>
      </header>
      <nav className="sidebar" aria-label="Main" data-open={menuOpen}>
        {places.map(({ to, label, icon: Icon, key }) => (
          <Link
            key={to}
            to={to}
            className="place"
            activeOptions={{ exact: to === '/' }}
            title={`${label} (g ${key})`}
            onClick={() => setMenuFor(undefined)}
          >
            <Icon size={17} stroke={1.8} aria-hidden />
            <span>{label}</span>
            {to === '/incidents' && <OpenCount />}
          </Link>
        ))}
      </nav>
      <main id="main" className="main" tabIndex={-1}>
        <Outlet />
      </main>
      <Suspense>
        {dialog === 'search' && <SearchDialog close={() => setDialog(undefined)} />}
        {dialog === 'help' && <HelpDialog close={() => setDialog(undefined)} />}
      </Suspense>
    </div>
  );
}

function OpenCount() {
  const count = useIncidents({ state: 'open' }).data?.items.length ?? 0;
  if (count === 0) return null;
  return (
    <span className="count" aria-label={`${count} open`}>
      {count}
    </span>
  );
}

const connectionTexts = {
  connecting: ['Connecting', 'Connecting to the live stream'],
  live: ['Live', 'Changes appear as they happen'],
  reconnecting: [
    'Reconnecting',
    'The live stream is down: the page asks every few seconds and goes on trying',
  ],
} as const;

function ConnectionMark() {
  const connection = useConnection();
  const [text, title] = connectionTexts[connection];
  return (
    <span className="connection" data-connection={connection} title={title} role="status">
      <span className="connection-dot" aria-hidden />
      <span className="connection-text">{text}</span>
    </span>
  );
}

const nextScheme = { auto: 'light', light: 'dark', dark: 'auto' } as const;
const schemeIcons = { auto: IconDeviceDesktop, light: IconSun, dark: IconMoon } as const;
const schemeNames = { auto: "the system's", light: 'light', dark: 'dark' } as const;

function ThemeToggle() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Icon = schemeIcons[colorScheme];
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-label={`Colours: ${schemeNames[colorScheme]}. Change`}
      title={`Colours: ${schemeNames[colorScheme]}`}
      onClick={() => setColorScheme(nextScheme[colorScheme])}
    >
      <Icon size={18} />
    </ActionIcon>
  );
}

function Account() {
  const { actor, role } = useIdentity();
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <Button
          size="compact-md"
          variant="subtle"
          color="gray"
          aria-label={`Account: ${formatActor(actor)}`}
          leftSection={<IconUserCircle size={18} aria-hidden />}
          className="account"
        >
          <span className="account-name">{formatActor(actor)}</span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {actor} · {role}
        </Menu.Label>
        <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void logOut()}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
