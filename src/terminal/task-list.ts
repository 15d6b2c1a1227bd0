import { Listr } from 'listr2';
import type { OutputStream } from './terminal.ts';

export interface TaskList {
  /** Replaces the line below a task that runs. */
  update(task: string, text: string): void;
  /** The task is done, and its title becomes `text`. */
  done(task: string, text: string): void;
  fail(task: string, message: string): void;
  /** Ends what is still open, and resolves when the last frame is drawn. */
  end(): Promise<void>;
}

interface Open {
  readonly settle: (outcome: { readonly text?: string; readonly error?: Error }) => void;
  readonly ended: Promise<{ readonly text?: string; readonly error?: Error }>;
  update: ((text: string) => void) | undefined;
}

/**
 * A list of tasks for a command that ends, drawn in place. For terminals only: listr2 buffers everything else that is
 * printed and breaks lines by the width, so it is used where nothing else prints and the width is known
 * (docs/decisions/0003-listr2.md).
 */
export function openTaskList(tasks: readonly string[], stdout: OutputStream): TaskList | undefined {
  if (stdout.isTTY !== true || !stdout.columns) return undefined;
  const open = new Map(tasks.map((task) => [task, createOpen()]));
  const listr = new Listr(
    [...open].map(([task, state]) => ({
      title: task,
      task: async (_context, wrapper) => {
        state.update = (text) => {
          wrapper.output = text;
        };
        const { text, error } = await state.ended;
        if (error) throw error;
        if (text) wrapper.title = `${task} ${text}`;
      },
    })),
    // Signals are ours: listr2's own listener would exit the process before anything is cleaned up.
    { concurrent: true, exitOnError: false, registerSignalListeners: false, collectErrors: false },
  );
  const drawn = listr.run();
  return {
    update: (task, text) => open.get(task)?.update?.(text),
    done: (task, text) => open.get(task)?.settle({ text }),
    fail: (task, message) => open.get(task)?.settle({ error: new Error(message) }),
    end: async () => {
      for (const state of open.values()) state.settle({});
      await drawn;
    },
  };
}

function createOpen(): Open {
  let settle: Open['settle'] = () => {};
  const ended = new Promise<{ readonly text?: string; readonly error?: Error }>((resolve) => {
    settle = resolve;
  });
  return { settle, ended, update: undefined };
}
