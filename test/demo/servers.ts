import { RealServer } from '../daemons/real-server.js';

/** The servers of examples/demo.xml. */
export function demoServers(): readonly RealServer[] {
  return [
    new RealServer('web1', 'http', '127.80.0.1', 18_480),
    new RealServer('web2', 'http', '127.80.0.2', 18_480),
    new RealServer('web3', 'http', '127.80.0.3', 18_480),
    new RealServer('mx1', 'tcp', '127.80.0.11', 18_425),
    new RealServer('mx2', 'tcp', '127.80.0.12', 18_425),
  ];
}
