/**
 * The last line of every script. One that was cut short doesn't end with it; or it ends inside of a quotation, and then
 * the shell runs none of that command.
 */
export const scriptEnd = '#stormctl';

/** What the agent needs besides its shell: coreutils and busybox have all of it. */
const tools = 'cat chmod chown dd id mkdir mv printf rm rmdir sha256sum stat';

/**
 * What runs in a container by `sh -c`, for dash, the ash of busybox and bash: it reads scripts from its standard input, each
 * behind a line with its length, and runs them. They call the functions below; raw bytes that `piece` takes follow their
 * script. `dd` reads exactly so many bytes of a pipe, where the `head -c` of busybox takes more than it gives.
 * A result is a message; every first argument is the steps that it is about (`3`, or `3,4,9`). It ends with its input.
 */
// `@{` stands for `${`, which a template can't hold. `$PWD` after `cd -P` is the physical path, and costs no process. What
// fails is done again to catch its words, because a subshell for every file that doesn't is what costs. `piece` reads its bytes
// to their end also when they can't be written: what is left of them would be taken for scripts. `mv` onto a link to a folder
// would move into it.
export const shellAgentSource = String.raw`
PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/busybox LC_ALL=C
export PATH LC_ALL
trap '' PIPE
say() { printf '\001stormctl %s\n' "$1"; }
take() { dd bs=65536 count="$1" iflag=fullblock,count_bytes 2>/dev/null; }
lacks=
for c in ${tools}; do command -v "$c" >/dev/null 2>&1 || lacks="$lacks $c"; done
[ "$lacks" ] || [ "$(printf 12345 | take 3)" = 123 ] || lacks=' a dd that counts bytes'
[ -z "$lacks" ] || { say "lacks$lacks"; exit; }
mask=$(umask) undo=
trap 'eval "$undo"' EXIT
bad() {
  d=@{2%/*}
  until [ -d "$d/" ]; do d=@{d%/*}; done
  say "owner $(stat -L -c '%u %g' -- "$d/") @{d:-/}"
  IFS='
'; set -f; set -- "$1" $3; set +f; unset IFS
  say "bad $*"
}
real() {
  p=$1 rest=
  until cd -P -- "@{p:-/}" 2>/dev/null; do rest=/@{p##*/}$rest p=@{p%/*}; done
  real=@{PWD%/}$rest
}
folder() {
  real "$3"
  top=$real
  real "$2"
  cd /
  case $real/ in "$top"/*) ;; *) say "outside $1"; return ;; esac
  [ -d "$2" ] || [ "$4" != make ] || { umask "$mask"; e=$(mkdir -p -- "$2" 2>&1) || bad "$1" "$2" "$e"; }
}
entry() { [ ! -L "$2" ] && [ -f "$2" ] && say "file $1"; }
lines() { word=$1 IFS='
'; set -f; for line in $2; do say "$word $line"; done; set +f; unset IFS; }
owners() { [ $# = 0 ] || lines stat "$(stat -c '%a %u %g' -- "$@" 2>/dev/null)"; }
hashes() { [ $# = 0 ] || lines hash "$(sha256sum -- "$@" 2>/dev/null)"; }
text() {
  umask "$3"
  { printf %b "$4" >"$2"; } 2>/dev/null && return
  e=$({ { printf %b "$4"; } 2>/dev/null | cat >"$2"; } 2>&1) || bad "$1" "$2" "$e"
}
piece() {
  umask "$3"
  e=$(take "$4" | { { cat >>"$2"; } 2>&1 || cat >/dev/null; })
  [ -z "$e" ] || bad "$1" "$2" "$e"
  say taken
}
mode() { n=$1 m=$2; shift 2; e=$(chmod "$m" -- "$@" 2>&1) || bad "$n" "$1" "$e"; }
drop() (
  for e in "$1"/* "$1"/.[!.]* "$1"/..?*; do [ -L "$e" ] || [ ! -d "$e" ] || drop "$e" || exit; done
  rmdir -- "$1"
)
stages() { n=$1; shift; umask "$mask"; e=$(mkdir -- "$@" 2>&1) || bad "$n" "$1" "$e"; }
clear() {
  if [ -L "$3" ]; then [ ! -d "$3" ] || rm -f -- "$3"
  elif [ -d "$3" ]; then e=$(drop "$3" 2>&1) || { bad "$1" "$3" "$e"; rm -f -- "$2"; return 1; }
  fi
}
place() { clear "$@" && { e=$(mv -f -- "$2" "$3" 2>&1) || bad "$1" "$3" "$e"; }; }
again() { [ ! -e "$2" ] || place "$@"; }
remove() { [ -d "$2" ] && [ ! -L "$2" ] || e=$(rm -f -- "$2" 2>&1) || bad "$1" "$2" "$e"; }
say "ready $(id -u):$(id -g)"
while IFS= read -r n && [ "$n" ]; do
  script=$(take "$n")
  case $script in *'${scriptEnd}') eval "$script" ;; *) exit ;; esac
done
`.replaceAll('@{', '${');
