import { oneLine, plainJson } from './plain-text.ts';

export type LogLevel = 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Static message + fields. In a pod a line is a JSON object, on a terminal a readable line. No secret is ever given to it. */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Log;
}

export interface LogOptions {
  readonly format: 'json' | 'text';
  readonly write: (line: string) => void;
  readonly now: () => Date;
}

export function createLog(options: LogOptions, bound: LogFields = {}): Log {
  const emit = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    const time = options.now().toISOString();
    if (options.format === 'json') {
      options.write(plainJson({ time, level, message, ...bound, ...fields }));
      return;
    }
    const mark = level === 'info' ? '' : `${level.toUpperCase()} `;
    // What is bound says the same in every line: a person knows which phase they are reading.
    const tail = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ` ${key}=${typeof value === 'string' && /[\s"]/.test(value) ? plainJson(value) : value}`)
      .join('');
    options.write(oneLine(`${time.slice(11, 19)} ${mark}${message}${tail}`));
  };
  return {
    info: (message, fields) => emit('info', message, fields),
    warn: (message, fields) => emit('warn', message, fields),
    error: (message, fields) => emit('error', message, fields),
    child: (fields) => createLog(options, { ...bound, ...fields }),
  };
}
