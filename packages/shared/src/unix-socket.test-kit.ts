import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Leaves a socket on a path whose process was killed. */
export async function deadProcessSocket(path: string): Promise<void> {
  const program = `require('net').createServer().listen(process.argv[1], () => process.stdout.write('x'))`;
  const child = spawn(process.execPath, ['-e', program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}
