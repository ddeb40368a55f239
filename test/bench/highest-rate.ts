/** The limit is found to within this part of itself. */
const PRECISION = 1.05;
const FIRST_STEP = 1.1;
const LARGEST_STEP = 1.5;
const MAX_PROBES = 9;

/**
 * The highest rate that is sustained: up or down from the guess in growing steps until it lies between two rates, then
 * halving that.
 *
 * @param isSustained Tried with each rate; expected to hold below some rate and to fail above it.
 * @returns 0 where none of the rates that were tried holds.
 */
export async function findHighestRate(
  guess: number,
  isSustained: (rate: number) => Promise<boolean>,
): Promise<number> {
  let holds = 0;
  let fails = Number.POSITIVE_INFINITY;
  let rate = guess;
  let step = FIRST_STEP;
  for (let probe = 0; probe < MAX_PROBES && fails / holds > PRECISION; probe++) {
    rate = Math.round(rate);
    if (await isSustained(rate)) holds = rate;
    else fails = rate;
    if (holds > 0 && Number.isFinite(fails)) {
      rate = Math.sqrt(holds * fails);
    } else {
      rate = holds > 0 ? rate * step : rate / step;
      step = Math.min(step * step, LARGEST_STEP);
    }
  }
  return holds;
}
