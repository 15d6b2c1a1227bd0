// What such a line begins with; it is all that most lines are asked.
const begins = /^(?:time|ts|t|level|lvl|msg|severity|timestamp)=/;
const pair = /([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?:\s+|$)/y;

/** @returns the fields of a line of logfmt (logrus, slog, go-kit), all of them text; undefined for any other line. */
export function parseLogfmt(line: string): Readonly<Record<string, string>> | undefined {
  if (!begins.test(line)) return undefined;
  const fields: Record<string, string> = {};
  pair.lastIndex = 0;
  while (pair.lastIndex < line.length) {
    const [, key, quoted, bare = ''] = pair.exec(line) ?? [];
    if (key === undefined) return undefined;
    fields[key] = quoted === undefined ? bare : unquote(quoted);
  }
  return fields;
}

/** Go writes more escapes than JSON knows: then the text stays as it is. */
function unquote(text: string): string {
  if (!text.includes('\\')) return text;
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}
