import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { messageOf, StatusUnavailableError } from '@surealived/shared/errors';
import type { Host } from '@surealived/shared/process-host';
import { STATUS_VERSION, type StatusDocument } from './status-document.js';
import { printableStatus } from './status-text.js';

const ANSWER_TIMEOUT_MS = 15_000;

/**
 * `--status`: prints what the ipvssync that follows says of itself.
 *
 * @param path Its status socket.
 * @returns Whether all is as desired.
 * @throws StatusUnavailableError where none answers.
 */
export async function printStatus(path: string, json: boolean, host: Host): Promise<boolean> {
  if (path === '')
    throw new StatusUnavailableError('there is no status socket: ipvssync_status_socket is none');
  const answer = await ask(path);
  const document = parse(answer, path);
  host.stdout.write(json ? answer : printableStatus(document));
  return document.asDesired;
}

async function ask(path: string): Promise<string> {
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const socket = connect(path);
  signal.addEventListener('abort', () =>
    socket.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s`)),
  );
  try {
    return await text(socket);
  } catch (error) {
    throw new StatusUnavailableError(`no ipvssync answers on ${path}: ${causeOf(error)}`);
  }
}

function parse(answer: string, path: string): StatusDocument {
  if (!answer.endsWith('\n'))
    throw new StatusUnavailableError(
      `${path}: the answer is ${answer === '' ? 'empty' : 'cut off'}: the ipvssync there may have too many clients, or just have ended`,
    );
  const document = parseJson(answer);
  if (document?.version !== STATUS_VERSION)
    throw new StatusUnavailableError(
      `${path}: the answer is none of an ipvssync of this version (${document?.programVersion ?? 'unknown'})`,
    );
  return document;
}

function parseJson(answer: string): StatusDocument | undefined {
  try {
    return JSON.parse(answer);
  } catch {
    return undefined; // somebody else's socket
  }
}

function causeOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return `${code} (none follows, or its log says why it has no status socket)`;
    case 'EACCES':
      return `${code} (this user may not write to the socket)`;
    default:
      return code ?? messageOf(error);
  }
}
