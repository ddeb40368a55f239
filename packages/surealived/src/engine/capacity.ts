/** Most tests at a time. */
export interface Capacity {
  /** Of connections: each takes a descriptor. */
  readonly sockets: number;
  /** Of processes and client libraries. */
  readonly tasks: number;
}

/** Descriptors that are not for tests: files, the admin socket and its clients, libuv's own. */
const RESERVED_DESCRIPTORS = 208;
/** A program's output and errors come by a pipe each. */
const DESCRIPTORS_PER_TASK = 2;

/**
 * What there is room for among so many descriptors: tasks take a quarter of them at most; connections take what tasks
 * and the reserve leave, but a quarter at least, so that a low limit never ends the tests.
 */
export function capacityOf(descriptors: number, maxTasks: number): Capacity {
  const quarter = Math.floor(descriptors / 4);
  const tasks = Math.min(maxTasks, Math.floor(quarter / DESCRIPTORS_PER_TASK));
  const left = descriptors - RESERVED_DESCRIPTORS - tasks * DESCRIPTORS_PER_TASK;
  return { sockets: Math.max(left, quarter), tasks };
}
