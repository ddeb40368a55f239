/** How a daemon's process and the watchdog that started it know of each other. */
const PID_VARIABLE = 'SUREALIVED_WATCHDOG';
const STARTED = 'started';

/** The watchdog, as its child sees it. */
export interface WatchdogLink {
  readonly pid: number;
  /** Says that the program does its work from now on. */
  reportStarted(): void;
  /** Calls `handler` when the watchdog is dead, however it died. */
  onGone(handler: () => void): void;
}

/** What the environment of a child has beside the watchdog's own. */
export function childEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, [PID_VARIABLE]: String(process.pid) };
}

/** Whether a child's message says that it has started. */
export function isStartedMessage(message: unknown): boolean {
  return message === STARTED;
}

/**
 * The link of this process to its watchdog, or `undefined` where it has none. The variable goes no further: a script
 * that this process runs is no child of the watchdog.
 */
export function joinWatchdog(): WatchdogLink | undefined {
  const pid = Number(process.env[PID_VARIABLE]);
  delete process.env[PID_VARIABLE];
  if (!process.send || pid !== process.ppid) return undefined;
  return {
    pid,
    reportStarted: () => {
      process.send?.(STARTED, undefined, undefined, () => undefined); // in vain where it has just died
    },
    onGone: (handler) => {
      process.once('disconnect', handler);
      process.channel?.unref(); // it alone keeps no process alive
      if (!process.connected) handler();
    },
  };
}
