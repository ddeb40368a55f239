/**
 * What `--plan` prints: lines for people, or one JSON document.
 *
 * @module
 */
import type { RealId } from '@surealived/shared/model';
import { describeOperation } from '../ipvs/describe.js';
import { describeSettingsChange } from '../ipvs/settings.js';
import {
  type Destination,
  describeDestination,
  describeService,
  type Operation,
  type ServiceHead,
  type ServiceSettings,
} from '../ipvs/table.js';
import { describeHeldBack } from '../plan/deletions.js';
import { describeDrain } from '../plan/drain.js';
import { describeLeftAlone } from '../plan/protection.js';
import type { Preview } from './preview.js';

/** Goes up when the document changes in a way that its readers may not bear; a new key is none. */
export const PLAN_VERSION = 1;

type RealSettings = Omit<Destination, keyof RealId>;
/** What can differ, under its own name; whoever adds a setting to the table finds it missing here. */
const SERVICE_SETTINGS: Readonly<Record<keyof ServiceSettings, true>> = {
  scheduler: true,
  schedulerFlags: true,
  persistenceSec: true,
  persistencePrefix: true,
  persistenceEngine: true,
  onePacket: true,
};
const REAL_SETTINGS: Readonly<Record<keyof RealSettings, true>> = {
  forwarding: true,
  weight: true,
  lowerThreshold: true,
  upperThreshold: true,
  tunnel: true,
};
type Settings = Readonly<Record<string, unknown>>;

interface OperationDocument {
  readonly action: 'add' | 'edit' | 'delete';
  /** As in the log: `tcp 10.0.0.1:80`, `fwmark 7`. */
  readonly virtual: string;
  /** `10.0.0.11:80`; null where the operation is about the virtual itself. */
  readonly real: string | null;
  /** null but for an edit. */
  readonly before: Settings | null;
  /** null for a deletion. */
  readonly after: Settings | null;
  /** The line that is printed without --json. */
  readonly text: string;
}

/** One operation to a line, then what is held back and what is left alone. */
export function printablePlan({ operations, settings, heldBack, leftAlone, draining }: Preview): string {
  const lines = [...operations.map(describeOperation), ...settings.map(describeSettingsChange)];
  if (lines.length === 0) lines.push('nothing to change');
  if (heldBack) lines.push(`${describeHeldBack(heldBack)} (--once --force makes them)`);
  const rest = [...draining.map(describeDrain), ...leftAlone.map(describeLeftAlone)];
  return [...lines, ...rest].map((line) => `${line}\n`).join('');
}

/** The same as one line of JSON. */
export function planDocument({ operations, settings, heldBack, leftAlone, draining }: Preview): string {
  const document = {
    version: PLAN_VERSION,
    operations: operations.map(operationDocument),
    settings: settings.map(describeSettingsChange),
    heldBack: heldBack ? { count: heldBack.count, maxDeletes: heldBack.maxDeletes } : null,
    leftAlone: leftAlone.map(({ service, reason, isDesired }) => ({
      virtual: describeService(service),
      reason,
      inSnapshot: isDesired,
    })),
    draining: draining.map(({ service, destination }) => ({
      virtual: describeService(service),
      real: describeDestination(destination),
    })),
  };
  return `${JSON.stringify(document)}\n`;
}

function operationDocument(operation: Operation): OperationDocument {
  const names = {
    virtual: describeService(operation.service),
    real: 'destination' in operation ? describeDestination(operation.destination) : null,
  };
  const text = describeOperation(operation);
  switch (operation.kind) {
    case 'addService':
      return { action: 'add', ...names, before: null, after: serviceSettings(operation.service), text };
    case 'addDestination':
      return { action: 'add', ...names, before: null, after: realSettings(operation.destination), text };
    case 'editService':
      return {
        action: 'edit',
        ...names,
        before: serviceSettings(operation.before),
        after: serviceSettings(operation.service),
        text,
      };
    case 'editDestination':
      return {
        action: 'edit',
        ...names,
        before: realSettings(operation.before),
        after: realSettings(operation.destination),
        text,
      };
    case 'deleteService':
    case 'deleteDestination':
      return { action: 'delete', ...names, before: null, after: null, text };
  }
}

function serviceSettings(service: ServiceHead): Settings {
  return pick(service, SERVICE_SETTINGS);
}

function realSettings(destination: Destination): Settings {
  return pick(destination, REAL_SETTINGS);
}

function pick<T extends object>(from: T, keys: Readonly<Partial<Record<keyof T, true>>>): Settings {
  return Object.fromEntries(Object.entries(from).filter(([key]) => Object.hasOwn(keys, key)));
}
