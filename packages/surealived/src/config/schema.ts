/**
 * The attributes of each element, once: types, defaults, error texts and the manual follow from here.
 *
 * @module
 */
import {
  FORWARDING_METHODS,
  MAX_DRAIN_TIMEOUT_SEC,
  MAX_FWMARK,
  MAX_NAME_BYTES,
  MAX_PERSISTENCE_SEC,
  MAX_PORT,
  MAX_THRESHOLD,
  MAX_WEIGHT,
  PERSISTENCE_ENGINES,
  PROTOCOLS,
  SCHEDULER_NAME,
  TUNNEL_FLAGS,
  TUNNEL_TYPES,
} from '@surealived/shared/model';
import { Flag } from '@surealived/testers/attributes';
import Type from '@surealived/testers/type';

const MAX_SECONDS = 86_400;
const MAX_RETRIES = 1000;
/** With more, the longest delay would be over three times the shortest. */
const MAX_JITTER_PERCENT = 50;
/** What SNI may carry (RFC 6066 section 3), underscores being common in the field. */
export const HOST_NAME = /^[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_-])?$/;

const Name = Type.String({
  format: 'name',
  expected: `a name of 1 to ${MAX_NAME_BYTES} bytes without control characters`,
  description: 'Name in logs and listings.',
});
const IpAddress = (description: string) =>
  Type.String({ format: 'unicast-address', expected: 'an IPv4 or IPv6 address, not multicast', description });
const Port = (description: string) => Type.Integer({ minimum: 0, maximum: MAX_PORT, description });
const Seconds = (fallback: number, minimum: number, description: string) =>
  Type.Number({ minimum, maximum: MAX_SECONDS, default: fallback, description });
const Delay = (description: string) =>
  Type.Optional(Type.Number({ minimum: 0, maximum: MAX_SECONDS, description }));
const Retries = (description: string) =>
  Type.Integer({ minimum: 1, maximum: MAX_RETRIES, default: 1, description });
const Threshold = (description: string) =>
  Type.Integer({ minimum: 0, maximum: MAX_THRESHOLD, default: 0, description });
const CountOrPercent = (description: string) =>
  Type.String({ pattern: '^[0-9]{1,9}%?$', expected: 'a number or a percentage', description });
const CountOrShare = (description: string) =>
  Type.String({
    pattern: '^([0-9]{1,9}|([0-9]{1,2}|100)%)$',
    default: '0',
    expected: 'a number, or a percentage from 0% to 100%',
    description,
  });
const Path = (description: string) =>
  Type.String({ minLength: 1, maxLength: 4096, expected: 'a path', description });

/** `whose` tells a virtual's attributes from a real's. */
const tunnelAttributes = (whose: string) => ({
  tun_type: Type.Optional(
    Type.Enum([...TUNNEL_TYPES], { description: `Encapsulation of rt="tun"; ${whose}.` }),
  ),
  tun_port: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: MAX_PORT,
      description: 'UDP port of the tunnel; mandatory with gue, and for gue alone.',
    }),
  ),
  tun_flags: Type.Optional(
    Type.Enum([...TUNNEL_FLAGS], {
      description: 'Checksum of gue or gre: none (nocsum), one (csum), or for gue remcsum; nocsum without.',
    }),
  ),
});

export const VirtualAttributes = Type.Object({
  name: Name,
  proto: Type.Enum([...PROTOCOLS], {
    description: 'How the virtual is named: by address and port, or by a mark.',
  }),
  addr: Type.Optional(IpAddress('Virtual address; mandatory unless proto is fwmark.')),
  port: Type.Optional(Port('Virtual port; mandatory unless proto is fwmark.')),
  fwmark: Type.Optional(
    Type.Integer({ minimum: 0, maximum: MAX_FWMARK, description: 'Firewall mark, with proto fwmark.' }),
  ),
  sched: Type.String({
    pattern: SCHEDULER_NAME.source,
    expected: 'the name of an IPVS scheduler such as wrr or wlc',
    description: 'IPVS scheduler.',
  }),
  sched_flags: Type.Optional(
    Type.String({
      expected: 'flags of the scheduler with commas between them',
      description: 'Flags: sh-fallback and sh-port of sh, mh-fallback and mh-port of mh.',
    }),
  ),
  rt: Type.Enum([...FORWARDING_METHODS], { description: 'Forwarding method of the reals.' }),
  ...tunnelAttributes('ipip without'),
  pers: Type.Integer({
    minimum: 0,
    maximum: MAX_PERSISTENCE_SEC,
    default: 0,
    description: 'Persistence in seconds; 0 for none.',
  }),
  pers_prefix: Type.Optional(
    Type.String({
      pattern: '^([0-9]{1,3}|[0-9]{1,3}([.][0-9]{1,3}){3})$',
      expected: 'a prefix length, or an IPv4 netmask such as 255.255.255.0',
      description: "How much of a client's address counts for persistence; all of it without.",
    }),
  ),
  pe: Type.Optional(
    Type.Enum([...PERSISTENCE_ENGINES], {
      description: 'Persistence engine: sip keeps a call together, by its Call-ID. For UDP, with pers.',
    }),
  ),
  ops: Flag({ default: false, description: 'One-packet scheduling (UDP only).' }),
  drain_timeout: Type.Integer({
    minimum: 0,
    maximum: MAX_DRAIN_TIMEOUT_SEC,
    default: 0,
    description:
      'Seconds that a real which leaves IPVS may stay in it with weight 0 until its connections are gone; 0 for none. Not for UDP.',
  }),
  slowstart: Seconds(0, 0, 'Seconds in which the weight of a real that has recovered climbs; 0 for at once.'),
  min_online: CountOrShare(
    'Reals that failing tests may not take it below: the last to fail keep their weight; 0 for none.',
  ),
});

export const TesterAttributes = Type.Object({
  proto: Type.String({ expected: 'the name of a tester', description: 'The tester.' }),
  testport: Type.Optional(Port('Port to test; not needed by no-test.')),
  loopdelay: Seconds(
    3,
    0,
    'Seconds from a verdict to the next test of the real, which comes a hundredth of it earlier or later, 25 ms at most, together with others.',
  ),
  fastdelay: Delay('The same while `retries2ok` or `retries2fail` is counting; `loopdelay` without.'),
  downdelay: Delay('The same while the real is offline and nothing is counting; `loopdelay` without.'),
  jitter: Type.Integer({
    minimum: 0,
    maximum: MAX_JITTER_PERCENT,
    default: 0,
    description: 'Percent by which each of these delays is spread, either way.',
  }),
  timeout: Seconds(5, 0.01, 'Seconds after which an unfinished test has failed.'),
  retries2ok: Retries('Successes in a row that set a real online.'),
  retries2fail: Retries('Failures in a row that set a real offline.'),
  remove_on_fail: Flag({
    default: false,
    description: 'Take an offline real out of IPVS instead of weight 0.',
  }),
  SSL: Flag({ default: false, description: 'Speak TLS. For testers that hold a conversation over TCP.' }),
  sni: Type.Optional(
    Type.String({
      pattern: HOST_NAME.source,
      expected: 'a host name',
      description:
        "Server name to ask for (SNI) and to find in the certificate; otherwise the tester's `host`.",
    }),
  ),
  tls_verify: Flag({
    default: false,
    description:
      'The certificate must be trusted and made out to the server name, or to the address without one.',
  }),
  tls_ca: Type.Optional(Path('File with trusted certificates (PEM), instead of those of the system.')),
  tls_min_days: Type.Integer({
    minimum: 0,
    maximum: 36_500,
    default: 0,
    description: 'Days that the certificate must still be valid for.',
  }),
  sentinel: Flag({
    default: false,
    description:
      'Keep an idle connection to the test port of each real, whose end calls for a test at once. For testers that talk TCP.',
  }),
  debugcomm: Flag({ default: false, description: 'Dump the conversations with the reals.' }),
  logmicro: Flag({ default: false, description: 'Statistics in microseconds.' }),
  stats_samples: Type.Integer({
    minimum: 1,
    maximum: 20,
    default: 20,
    description: 'Tests an average covers.',
  }),
  notify_up: Type.Optional(Path('Program to run when the virtual is up again.')),
  notify_down: Type.Optional(Path('Program to run when the virtual is down.')),
  notify_min_reals: Type.Optional(CountOrPercent('Online reals below which the virtual is down.')),
  notify_min_weight: Type.Optional(CountOrPercent('Online weight below which the virtual is down.')),
  real_notify_up: Type.Optional(Path('Program to run when a real comes online.')),
  real_notify_down: Type.Optional(Path('Program to run when a real goes offline.')),
});

export const RealAttributes = Type.Object({
  name: Name,
  addr: IpAddress('Address of the real.'),
  port: Port('Port of the real.'),
  weight: Type.Integer({ minimum: 0, maximum: MAX_WEIGHT, description: 'Weight when online.' }),
  uthresh: Threshold('Connections at which the real takes no new ones; 0 for none.'),
  lthresh: Threshold('Connections below which it takes new ones again; 0 for none.'),
  testport: Type.Optional(Port("Port to test, instead of the tester's.")),
  rt: Type.Optional(
    Type.Enum([...FORWARDING_METHODS], { description: "Forwarding method, instead of the virtual's." }),
  ),
  ...tunnelAttributes("the virtual's tunnel without"),
  bindaddr: Type.Optional(IpAddress('Source address of the tests.')),
  sentinel: Type.Optional(
    Flag({ description: 'Whether an idle connection to it is kept, instead of what the tester says.' }),
  ),
});
