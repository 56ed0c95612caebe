import { reasonOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Notifier } from './notifier.ts';
import type { SlackMessage } from './slack-message.ts';

/** Sends; a notifier that fails is a warning and changes nothing else. The text is in the log either way. */
export async function announce(
  deps: { readonly notifier: Notifier; readonly log: Log },
  message: SlackMessage,
  signal: AbortSignal,
): Promise<void> {
  deps.log.info('notification', { text: message.text });
  try {
    await deps.notifier.send(message, signal);
  } catch (error) {
    deps.log.warn('the notification could not be sent', { error: reasonOf(error) });
  }
}
