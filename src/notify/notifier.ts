export interface Message {
  /** Plain text with Slack's mrkdwn: what notifications and old clients show. */
  readonly text: string;
  /** Slack blocks; the same content. */
  readonly blocks?: readonly unknown[];
}

/** Says it to people. Callers treat every failure as a warning: a notification never changes the outcome. */
export interface Notifier {
  send(message: Message, signal: AbortSignal): Promise<void>;
}
