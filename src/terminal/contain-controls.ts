const escape = '\u001B';
const control = /\p{Control}/u;
const controls = /(?!\t)\p{Control}/gu;

// ECMA-48: a colour (SGR), any other CSI; what BEL ends (a title, a link); one of those that ST ends.
const colour = /^\[[\d;:]*m/;
const csi = /^\[[0-?]*[ -/]*[@-~]?/;
const text = /^[\]P_^X]/;

/**
 * @returns a line that can be printed above another one: its colours stay, and end with it; what would move the cursor,
 * erase, or speak to the terminal is taken out. A carriage return inside of it becomes a space.
 */
export function containControls(line: string): string {
  if (!control.test(line)) return line;
  const [first = '', ...parts] = line.split(escape);
  const contained = parts.map((part) => {
    const sgr = colour.exec(part)?.[0];
    return sgr === undefined ? bare(withoutSequence(part)) : `${escape}${sgr}${bare(part.slice(sgr.length))}`;
  });
  return [bare(first), ...contained].join('');
}

/** @param part begins where an escape stood. */
function withoutSequence(part: string): string {
  if (text.test(part)) {
    const bell = part.indexOf('\u0007');
    return bell < 0 ? '' : part.slice(bell + 1);
  }
  const found = csi.exec(part)?.[0];
  return part.slice(found === undefined ? 1 : found.length);
}

function bare(part: string): string {
  return part.replace(/\r+$/, '').replaceAll('\r', ' ').replaceAll(controls, '');
}
