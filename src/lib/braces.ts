/** So many are enough for any list that a person writes. */
const most = 1000;

/**
 * @returns the globs that a glob with braces stands for: `a/*.x` and `b/*.x` of `{a,b}/*.x`. Ranges (`{1..3}`) and braces without a
 * comma stay as they are, and so does a glob that stands for very many.
 */
export function expandBraces(glob: string): readonly string[] {
  const done: string[] = [];
  const open = [glob];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const list = firstList(next);
    if (!list) done.unshift(next);
    else for (const item of list.items) open.push(`${next.slice(0, list.from)}${item}${next.slice(list.to)}`);
    if (open.length + done.length > most) return [glob];
  }
  return done;
}

interface List {
  readonly from: number;
  readonly to: number;
  readonly items: readonly string[];
}

/** The first braces that hold a list: of nested ones the outer. */
function firstList(glob: string): List | undefined {
  for (let from = 0; from < glob.length; from++) {
    if (glob[from] === '\\') from++;
    else if (glob[from] === '{') {
      const list = listAt(glob, from);
      if (list && list.items.length > 1) return list;
    }
  }
  return undefined;
}

function listAt(glob: string, from: number): List | undefined {
  const items: string[] = [];
  let depth = 0;
  let start = from + 1;
  for (let at = from; at < glob.length; at++) {
    const letter = glob[at];
    if (letter === '\\') at++;
    else if (letter === '{') depth++;
    else if (letter === ',' && depth === 1) {
      items.push(glob.slice(start, at));
      start = at + 1;
    } else if (letter === '}' && --depth === 0) return { from, to: at + 1, items: [...items, glob.slice(start, at)] };
  }
  return undefined;
}
