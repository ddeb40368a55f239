import { createServer } from 'node:net';
import { DaemonProcess, type LogLine, type Program } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';

const USUAL_ADMIN_PORT = 1337;

/** surealived and ipvssync on a table in memory, in a directory of their own. */
export interface Daemons extends AsyncDisposable {
  readonly adminPort: number;
  /** The table, in the format of `ipvsadm -Sn`; replaced at each change. */
  readonly tableFile: string;
}

/** @param onLog Called with every log line of either daemon. */
export async function startDaemons(servicesFile: string, onLog: (line: LogLine) => void): Promise<Daemons> {
  const port = (await isFree(USUAL_ADMIN_PORT)) ? USUAL_ADMIN_PORT : 0;
  const directory = new HandoverDirectory({ listen_port: port });
  const { config, tableFile } = directory;
  const processes: DaemonProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const process of processes) await process.stop();
    directory[Symbol.dispose]();
  };
  const start = async (program: Program, args: readonly string[], ready: string): Promise<LogLine> => {
    const started = new DaemonProcess(program, args, onLog);
    processes.push(started);
    return await started.waitFor(ready);
  };
  try {
    const { adminPort } = await start('surealived', ['-c', config, servicesFile], 'testing started');
    await start('ipvssync', ['-c', config, '--table', `memory:${tableFile}`], 'table synchronised');
    return { adminPort: Number(adminPort), tableFile, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
