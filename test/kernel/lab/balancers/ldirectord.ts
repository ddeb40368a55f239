import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Balancer, INTERVAL_SEC, type Pool, TIMEOUT_SEC, WEIGHT } from './balancer.js';

/** With a process for each virtual: many tests go on at a time, and a failure is found sooner. */
export const ldirectord = balancer('yes');
/** As by default. A vanished host is found sooner so: of the processes above some had it for more than 90 s. */
export const ldirectordInOneProcess = balancer('no');

function balancer(fork: 'yes' | 'no'): Balancer {
  return {
    name: 'ldirectord',
    async start(lab, director, pools) {
      const file = join(lab.scratchDir, 'ldirectord.cf');
      writeFileSync(file, `${settings(fork)}${pools.map(virtual).join('\n')}\n`);
      const started = await director.spawn(['ldirectord', file, 'start']);
      return { stop: () => started.kill() };
    },
  };
}

function settings(fork: string): string {
  return `checkinterval = ${INTERVAL_SEC}
checktimeout = ${TIMEOUT_SEC}
negotiatetimeout = ${TIMEOUT_SEC}
failurecount = 1
quiescent = yes
autoreload = no
fork = ${fork}
supervised = yes
logfile = "/dev/null"
`;
}

function virtual({ address, port, reals }: Pool): string {
  return `virtual = ${address}:${port}
\t${reals.map((real) => `real = ${real}:80 masq ${WEIGHT}`).join('\n\t')}
\tservice = http
\tchecktype = negotiate
\trequest = "/"
\treceive = "."
\tscheduler = wrr
\tprotocol = tcp`;
}
