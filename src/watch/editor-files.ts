/**
 * Files that exist for a moment while an editor or stormctl itself saves another: Vim (`4913`, `.x.swp`, `x~`), Emacs
 * (`.#x`, `#x#`), JetBrains (`x___jb_tmp___`), and what is written beside before it is renamed (`.x.~stormctl-1f3a`).
 */
const editorFile = /^4913$|\.sw[opx]$|~$|^\.#|^#.*#$|___jb_(tmp|old)___$|\.~stormctl/;

/** @param name the last part of a path. */
export function isEditorFile(name: string): boolean {
  return editorFile.test(name);
}
