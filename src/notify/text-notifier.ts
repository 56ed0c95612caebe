import type { Notifier } from './notifier.ts';

/** Where there is no webhook, people read the messages where everything else is written. */
export function createTextNotifier(write: (text: string) => void): Notifier {
  return {
    send: async ({ text }) => write(text),
  };
}
