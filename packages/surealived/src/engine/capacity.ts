/** Most tests at a time. */
export interface Capacity {
  /** Of connections: each takes a descriptor. */
  readonly sockets: number;
  /** Of processes and client libraries. */
  readonly tasks: number;
}

/** Descriptors that are not for tests: files, the admin socket and its clients, libuv's own. */
const RESERVED_DESCRIPTORS = 208;
/** The event loop of a worker, and its epoll. */
const DESCRIPTORS_PER_WORKER = 8;
/** A program's output and errors come by a pipe each. */
const DESCRIPTORS_PER_TASK = 2;

/**
 * What there is room for among so many descriptors: tasks take a quarter of them at most; connections take what tasks
 * and the reserve leave, but a quarter at least, so that a low limit never ends the tests.
 */
export function capacityOf(openFiles: number, maxTasks: number, workers = 0): Capacity {
  const descriptors = openFiles - workers * DESCRIPTORS_PER_WORKER;
  const quarter = Math.floor(descriptors / 4);
  const tasks = Math.min(maxTasks, Math.floor(quarter / DESCRIPTORS_PER_TASK));
  const left = descriptors - RESERVED_DESCRIPTORS - tasks * DESCRIPTORS_PER_TASK;
  return { sockets: Math.max(left, quarter), tasks };
}

/** What each of several threads has of it. Each can test, whatever the capacity is. */
export function partOf({ sockets, tasks }: Capacity, threads: number): Capacity {
  const part = (places: number): number => Math.max(1, Math.floor(places / threads));
  return { sockets: part(sockets), tasks: part(tasks) };
}
