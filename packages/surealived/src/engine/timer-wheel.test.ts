import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimerWheel, WheelTimer } from './timer-wheel.js';

const TURN_TICKS = 4096;

/** A timer that notes when it fired. */
function noting(fired: number[], now: () => number): WheelTimer {
  return new WheelTimer(() => fired.push(now()));
}

describe('TimerWheel', () => {
  it('fires everything once, never early and at most a tick late, like a sorted list would', () => {
    const between = (minMs: number, maxMs: number) =>
      fc.integer({ min: minMs * 1000, max: maxMs * 1000 }).map((us) => us / 1000);
    const step = fc.oneof(
      fc.record({ arm: fc.nat(9), afterMs: fc.oneof(between(-20, 60), between(0, 100_000)) }),
      fc.record({ disarm: fc.nat(9) }),
      // up to more than two turns of the wheel at once
      fc.record({ passMs: fc.oneof(between(0, 30), between(0, 90_000)) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(1e6), fc.array(step), (tickMs, startMs, steps) => {
        let nowMs = startMs;
        const wheel = new TimerWheel(tickMs, nowMs);
        const dueMs = new Map<number, number>();
        const timers = Array.from({ length: 10 }, (_, i) => {
          return new WheelTimer(() => {
            expect(dueMs.get(i)).toBeLessThanOrEqual(nowMs);
            dueMs.delete(i);
          });
        });
        const timer = (i: number) => timers[i] as WheelTimer;
        for (const step of steps) {
          if ('arm' in step) {
            dueMs.set(step.arm, nowMs + Math.max(step.afterMs, 0));
            const reachedMs = wheel.arm(timer(step.arm), nowMs + step.afterMs);
            expect(reachedMs).toBeLessThan(nowMs + Math.max(step.afterMs, 0) + tickMs * 1.001);
          } else if ('disarm' in step) {
            dueMs.delete(step.disarm);
            wheel.disarm(timer(step.disarm));
          } else {
            nowMs += step.passMs;
            wheel.advance(nowMs);
            for (const due of dueMs.values()) expect(due).toBeGreaterThan(nowMs - tickMs);
            const nextMs = wheel.nextMs();
            const earliestMs = Math.min(...dueMs.values());
            if (nextMs !== undefined)
              expect(nextMs).toBeLessThan(Math.max(earliestMs, nowMs) + tickMs * 1.001);
          }
          expect(wheel.size).toBe(dueMs.size);
          expect(wheel.nextMs() === undefined).toBe(dueMs.size === 0);
        }
      }),
    );
  });

  it('fires in the order of the ticks', () => {
    const fired: string[] = [];
    const wheel = new TimerWheel(10, 0);
    for (const ms of [50, 10, 30, 41_000, 20]) wheel.arm(new WheelTimer(() => fired.push(`${ms}`)), ms);
    wheel.advance(60);
    expect(fired).toEqual(['10', '20', '30', '50']);
  });

  it('lets a timer re-arm itself while it fires, even for now', () => {
    const fired: number[] = [];
    let nowMs = 0;
    const wheel = new TimerWheel(10, 0);
    const timer = new WheelTimer(() => {
      fired.push(nowMs);
      wheel.arm(timer, nowMs);
    });
    wheel.arm(timer, 0);
    for (nowMs = 10; nowMs <= 30; nowMs += 10) wheel.advance(nowMs);
    expect(fired).toEqual([10, 20, 30]);
  });

  it('does not fire a timer that an earlier one of the same tick disarmed or put off', () => {
    const fired: number[] = [];
    const wheel = new TimerWheel(10, 0);
    const [stopped, putOff] = [noting(fired, () => 1), noting(fired, () => 2)];
    const first = new WheelTimer(() => {
      wheel.disarm(stopped);
      wheel.arm(putOff, 10 + 10 * TURN_TICKS);
    });
    for (const timer of [first, stopped, putOff]) wheel.arm(timer, 10);
    wheel.advance(10);
    wheel.advance(20);
    expect([fired, wheel.size]).toEqual([[], 1]);
    wheel.advance(10 + 10 * TURN_TICKS);
    expect([fired, wheel.size]).toEqual([[2], 0]);
  });

  it('fires all that came due during a sleep of many turns, and nothing else', () => {
    const fired: number[] = [];
    const wheel = new TimerWheel(1, 0);
    const turnsMs = 5 * TURN_TICKS;
    for (const ms of [1, TURN_TICKS, TURN_TICKS + 1, turnsMs, turnsMs + 1, 9 * TURN_TICKS])
      wheel.arm(
        noting(fired, () => ms),
        ms,
      );
    wheel.advance(turnsMs);
    expect(fired.sort((a, b) => a - b)).toEqual([1, TURN_TICKS, TURN_TICKS + 1, turnsMs]);
    expect(wheel.size).toBe(2);
  });

  it('is not a turn late when a due time is a rounding error above a tick', () => {
    const fired: number[] = [];
    const wheel = new TimerWheel(10, 0);
    wheel.arm(
      noting(fired, () => 30),
      30.000000000000004,
    );
    wheel.advance(30);
    wheel.advance(40);
    expect(fired).toEqual([30]);
  });

  it('has timers meet that may fire early or late, as far as they may', () => {
    const wheel = new TimerWheel(10, 0);
    const ms = fc.integer({ min: 0, max: 1e9 }).map((us) => us / 1000);
    fc.assert(
      fc.property(ms, fc.double({ min: 0, max: 100, noNaN: true }), (dueMs, slackMs) => {
        expect(Math.abs(wheel.meetingMs(dueMs, slackMs) - dueMs)).toBeLessThanOrEqual(slackMs + 1e-6);
      }),
    );
    expect([1981, 2019, 2021].map((dueMs) => wheel.meetingMs(dueMs, 20))).toEqual([2000, 2000, 2040]);
    expect([1981, 2019, 2021].map((dueMs) => wheel.meetingMs(dueMs, 9))).toEqual([1981, 2019, 2021]);
  });

  it('lets others have a turn while many timers fire', () => {
    const wheel = new TimerWheel(10, 0);
    const fired: number[] = [];
    const after: number[] = [];
    for (let i = 0; i < 40; i++)
      wheel.arm(
        noting(fired, () => i),
        10,
      );
    wheel.advance(10, () => after.push(fired.length));
    expect([fired.length, after]).toEqual([40, [16, 32]]);
  });
});
