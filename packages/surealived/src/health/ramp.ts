/**
 * Slow start: the weight of a real that has recovered climbs in steps. No I/O.
 *
 * @module
 */

/** Each step is a line for ipvssync and a change in the kernel, whatever the weight and the window are. */
const MAX_STEPS = 20;
/** In a short window; a long one has a step a second, up to `MAX_STEPS`. */
const MIN_STEPS = 5;
const STEP_MS = 1000;

/**
 * Weight that a recovering real should carry now.
 *
 * Climbs from 1 to `target` in equal steps over the window and is never 0, since 0 would mean "draining" to IPVS.
 *
 * @param target Configured weight after overrides, 1..65535.
 * @param sinceMs Monotonic milliseconds since the real came back; negative counts as 0.
 * @param windowMs Length of the ramp in milliseconds; 0 switches it off.
 * @returns Integer 1..target.
 */
export function rampWeight(target: number, sinceMs: number, windowMs: number): number {
  const steps = countSteps(target, windowMs);
  const done = stepsDone(steps, sinceMs, windowMs);
  return done === steps ? target : 1 + Math.floor(((target - 1) * done) / steps);
}

/**
 * When the weight changes next.
 *
 * @returns Milliseconds since the real came back, above `sinceMs`; `undefined` when the weight is `target` already.
 */
export function nextStepMs(target: number, sinceMs: number, windowMs: number): number | undefined {
  const steps = countSteps(target, windowMs);
  const done = stepsDone(steps, sinceMs, windowMs);
  return done === steps ? undefined : stepMs(done + 1, steps, windowMs);
}

/** How long a ramp takes until it carries a weight, which may be above what it ever carries. */
export function reachMs(weight: number, target: number, windowMs: number): number {
  let atMs = 0;
  while (rampWeight(target, atMs, windowMs) < weight) {
    const nextMs = nextStepMs(target, atMs, windowMs);
    if (nextMs === undefined) break;
    atMs = nextMs;
  }
  return atMs;
}

/** No more than the weight has room for; a weight of 1 has none. */
function countSteps(target: number, windowMs: number): number {
  if (windowMs <= 0) return 0;
  const wanted = Math.min(Math.max(Math.round(windowMs / STEP_MS), MIN_STEPS), MAX_STEPS);
  return Math.max(Math.min(wanted, target - 1), 0);
}

/** Exactly the window for the last one: divided first. */
function stepMs(step: number, steps: number, windowMs: number): number {
  return (step / steps) * windowMs;
}

/** By the same times as `stepMs` gives, so that what is woken then finds its step reached. */
function stepsDone(steps: number, sinceMs: number, windowMs: number): number {
  let done = 0;
  while (done < steps && stepMs(done + 1, steps, windowMs) <= sinceMs) done++;
  return done;
}
