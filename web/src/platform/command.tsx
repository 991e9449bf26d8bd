// Commands: a button that says beforehand why it is refused, and says afterwards what became of it.
import { Button, Tooltip, type ButtonProps } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useRefusal, type Role } from './session';

/** Runs `run`, then fetches `touches` again; an error becomes a notification that says what to do. */
export function useCommand<Input = void, Output = unknown>(options: {
  run: (input: Input) => Promise<Output>;
  touches: readonly string[];
  done?: string;
  onDone?: (output: Output) => void;
}) {
  const queries = useQueryClient();
  return useMutation<Output, Error, Input>({
    mutationFn: options.run,
    onSuccess: async (output) => {
      if (options.done)
        notifications.show({ message: options.done, color: 'teal', autoClose: 3000 });
      options.onDone?.(output);
      await Promise.all(
        options.touches.map((key) => queries.invalidateQueries({ queryKey: [key] })),
      );
    },
    onError: (error) => {
      notifications.show({
        title: 'That did not work',
        message: error.message,
        color: 'red',
        autoClose: 10000,
      });
    },
  });
}

interface CommandButtonProps extends ButtonProps {
  role?: Role;
  onClick?: () => void;
  type?: 'button' | 'submit';
  children: ReactNode;
}

export function CommandButton({
  role = 'responder',
  children,
  disabled,
  ...rest
}: CommandButtonProps) {
  const refusal = useRefusal(role);
  const button = (
    <Button size="compact-md" {...rest} disabled={disabled === true || refusal !== undefined}>
      {children}
    </Button>
  );
  if (!refusal) return button;
  return (
    <Tooltip label={refusal}>
      <span>{button}</span>
    </Tooltip>
  );
}
