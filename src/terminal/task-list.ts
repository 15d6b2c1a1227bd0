import { Listr, ListrDefaultRendererLogLevels } from 'listr2';

export interface TaskList {
  /** Replaces the line below a task that runs. */
  update(task: string, text: string): void;
  /** The task is done, and `text` stands behind its name. */
  done(task: string, text: string): void;
  /** Marks what is still open as not done, and resolves when the last frame is drawn. */
  end(): Promise<void>;
}

interface Task {
  readonly ended: Promise<string | undefined>;
  /** `undefined`: it did not get through. */
  readonly end: (text: string | undefined) => void;
  /** What it shows when it is drawn for the first time. */
  text: string | undefined;
  show: (text: string) => void;
}

/**
 * A list of tasks for a command that ends, drawn in place on standard output. Only for terminals that tell their width:
 * listr2 holds back everything else that is printed, and breaks lines by the width (docs/decisions/0003-listr2.md).
 */
export function openTaskList(names: readonly string[]): TaskList {
  const tasks = new Map(names.map((name) => [name, createTask()]));
  const listr = new Listr(
    [...tasks].map(([title, task]) => ({
      title,
      task: async (_context: unknown, wrapper: { title: string | undefined; output: string | undefined }) => {
        task.show = (text) => {
          wrapper.output = text;
        };
        if (task.text !== undefined) task.show(task.text);
        const text = await task.ended;
        if (text === undefined) throw new Error(title);
        wrapper.title = `${title} ${text}`;
      },
    })),
    {
      concurrent: true,
      exitOnError: false,
      // Signals are ours: its listener exits the process before anything is cleaned up.
      registerSignalListeners: false,
      // What went wrong is told once, below the list, with where and what to do.
      rendererOptions: { showErrorMessage: false, icon: { [ListrDefaultRendererLogLevels.FAILED]: '✗' } },
    },
  );
  const drawn = listr.run();
  return {
    update: (name, text) => tasks.get(name)?.show(text),
    done: (name, text) => tasks.get(name)?.end(text),
    end: async () => {
      for (const task of tasks.values()) task.end(undefined);
      await drawn;
    },
  };
}

function createTask(): Task {
  let end: Task['end'] = () => {};
  const ended = new Promise<string | undefined>((resolve) => {
    end = resolve;
  });
  const task: Task = {
    ended,
    end,
    text: undefined,
    show: (text) => {
      task.text = text;
    },
  };
  return task;
}
