import { fileURLToPath } from 'node:url';
import type { AgentAnswer } from './agent-loop.js';
import type { LabProcess } from './lab-process.js';
import type { Namespace } from './namespace.js';

const START_TIMEOUT_MS = 15_000;
/** Above every timeout of a request, so that the agent's own answer comes first. */
const ANSWER_TIMEOUT_MS = 30_000;

/** A program of the lab inside a namespace that is told what to do by JSON lines; see `agent-loop.ts` for its side. */
export class Agent<Request extends object> {
  readonly #process: LabProcess;
  #requests = 0;

  private constructor(started: LabProcess) {
    this.#process = started;
  }

  /** @param script Its file beside this one. */
  static async start<Request extends object>(
    namespace: Namespace,
    script: string,
    name: string,
  ): Promise<Agent<Request>> {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const started = await namespace.spawn([process.execPath, path], { name });
    await started.waitForLine(/^ready$/, START_TIMEOUT_MS);
    return new Agent<Request>(started);
  }

  /** @throws With the agent's message where it could not do it. */
  async ask(request: Request): Promise<unknown> {
    const id = ++this.#requests;
    const fromLine = this.#process.lineCount;
    this.#process.send(`${JSON.stringify({ id, request })}\n`);
    const line = await this.#process.waitForLine(new RegExp(`^{"id":${id},.*$`), ANSWER_TIMEOUT_MS, fromLine);
    const { answer, error } = JSON.parse(line[0]) as AgentAnswer;
    if (error !== undefined) throw new Error(error);
    return answer;
  }
}
