import { Kbd, Modal } from '@mantine/core';
import { pageKeys } from './keyboard';
import { places } from './navigation';

export function HelpDialog({ close }: { close: () => void }) {
  return (
    <Modal opened onClose={close} title="Keyboard">
      {pageKeys().length > 0 && (
        <dl className="keys" aria-label="On this page">
          {pageKeys().map(({ key, label }) => (
            <div key={key}>
              <dt>
                <Kbd>{key}</Kbd>
              </dt>
              <dd>{label}</dd>
            </div>
          ))}
        </dl>
      )}
      <dl className="keys">
        {places.map(({ key, label }) => (
          <div key={key}>
            <dt>
              <Kbd>g</Kbd> <Kbd>{key}</Kbd>
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
        <div>
          <dt>
            <Kbd>/</Kbd>
          </dt>
          <dd>Search</dd>
        </div>
        <div>
          <dt>
            <Kbd>?</Kbd>
          </dt>
          <dd>This help</dd>
        </div>
        <div>
          <dt>
            <Kbd>Ctrl</Kbd> <Kbd>Enter</Kbd>
          </dt>
          <dd>Run the query (explore)</dd>
        </div>
        <div>
          <dt>
            <Kbd>Esc</Kbd>
          </dt>
          <dd>Close a dialog</dd>
        </div>
      </dl>
    </Modal>
  );
}
