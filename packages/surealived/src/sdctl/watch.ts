import { setTimeout as pause } from 'node:timers/promises';
import type { RealList } from '../admin/documents.js';
import { describeEndpoint } from './endpoint.js';
import { Failure } from './failure.js';
import { virtualFields } from './select.js';
import type { Session } from './session.js';
import { LiveView } from './watch-view.js';

const INTERVAL_MS = 1000;
/** Another screen without cursor, so that what stood there before comes back. */
const ENTER_SCREEN = '\x1b[?1049h\x1b[?25l';
const LEAVE_SCREEN = '\x1b[?25h\x1b[?1049l';

/**
 * Shows the reals until the user ends it: on a terminal redrawn each second, elsewhere a line for each real that had
 * transitions meanwhile, with the last. A surealived that goes away is waited for.
 *
 * @throws Failure when there is nothing to show at first.
 */
export async function watch(
  session: Session,
  virtualName: string | undefined,
  intervalMs = INTERVAL_MS,
): Promise<undefined> {
  const { stdout } = session.terminal;
  const fields = virtualName === undefined ? '' : ` ${virtualFields(await session.findVirtual(virtualName))}`;
  const poll = (): Promise<RealList> => session.askDocument<RealList>(`rlist${fields}`);
  const first = await poll();
  const view = new LiveView(describeEndpoint((await session.connection()).endpoint), session.paint);
  using quit = session.terminal.untilQuit();
  const draw = (news: readonly string[]): void => {
    // a terminal that does not know its size says 0
    if (stdout.isTTY) stdout.write(view.frame(stdout.columns || 80, stdout.rows || 24));
    else session.print(news);
  };
  if (stdout.isTTY) stdout.write(ENTER_SCREEN);
  try {
    draw(view.update(first));
    while (await isTime(intervalMs, quit.signal)) {
      const answer = await poll().catch(failureOf);
      if (quit.signal.aborted) break;
      if (answer instanceof Failure) await session.disconnect();
      draw(answer instanceof Failure ? view.lose(answer.message) : view.update(answer));
    }
  } finally {
    if (stdout.isTTY) stdout.write(LEAVE_SCREEN);
  }
  return undefined;
}

function isTime(ms: number, signal: AbortSignal): Promise<boolean> {
  return pause(ms, true, { signal }).catch(() => false);
}

function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  throw error;
}
