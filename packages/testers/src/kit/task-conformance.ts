import { getEventListeners } from 'node:events';
import type { Static, TObject } from 'typebox';
import type { Target, TaskTester } from '../tester.js';
import { type Check, declarationChecks, targetFor } from './conformance.js';
import { expectUp, requireThat } from './expectations.js';
import { runTask } from './run-task.js';

/** Where a task must succeed, and where it would take for ever. */
export interface TaskSample<T extends TObject = TObject> {
  readonly healthy: () => TaskSituation<T> | Promise<TaskSituation<T>>;
  readonly hanging: () => TaskSituation<T> | Promise<TaskSituation<T>>;
}

export interface TaskSituation<T extends TObject = TObject> {
  readonly target: Target;
  /** All attributes, defaults filled in. */
  readonly attributes: Static<T>;
  /** Settles when the task is in the middle of its work; at once where absent. */
  readonly reached?: Promise<unknown>;
}

/** What every task tester must hold to; to be registered as those of `conformanceChecks`. */
export function taskChecks(tester: TaskTester, sample: TaskSample): readonly Check[] {
  return [
    ...declarationChecks(tester),
    {
      title: 'finds a healthy server up, and says that it answered',
      run: () => expectHealthy(tester, sample),
    },
    { title: 'ends when it is aborted', run: () => expectAbortable(tester, sample) },
  ];
}

async function expectHealthy(tester: TaskTester, { healthy }: TaskSample): Promise<void> {
  const { target, attributes } = await healthy();
  const { signal } = new AbortController();
  const { verdict, isConnected } = await runTask(tester, targetFor(tester, target), attributes, { signal });
  expectUp(verdict, 'a healthy server');
  requireThat(isConnected, 'the task did not call connected()');
  requireThat(getEventListeners(signal, 'abort').length === 0, 'the task left a listener on its signal');
}

/** It may end in any way; the runner's own time-out is the check. */
async function expectAbortable(tester: TaskTester, { hanging }: TaskSample): Promise<void> {
  const { target, attributes, reached } = await hanging();
  const controller = new AbortController();
  const { signal } = controller;
  const ended = runTask(tester, targetFor(tester, target), attributes, { signal }).catch(() => undefined);
  await reached;
  controller.abort();
  await ended;
  requireThat(getEventListeners(signal, 'abort').length === 0, 'the task left a listener on its signal');
}
