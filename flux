#!/usr/bin/env bash
# Flux's commands. Builds what is missing or older than its sources, then runs it. `./flux help` says what there is.
# Written for bash 3.2, which is macOS's.
set -euo pipefail

say() { printf 'flux: %s\n' "$*" >&2; }

fail() {
  say "$@"
  exit 1
}

# The file that a chain of links leads to.
resolve() {
  local file=$1 link
  while [ -L "$file" ]; do
    link=$(readlink "$file")
    case $link in
      /*) file=$link ;;
      *) file=$(dirname "$file")/$link ;;
    esac
  done
  printf '%s\n' "$file"
}

home=$(CDPATH='' cd -- "$(dirname "$(resolve "${BASH_SOURCE[0]}")")" && pwd -P)
target=$home/target
app=$target/flux               # the jar, extracted: it starts faster so
archive=$app/flux.jsa          # its classes as the JVM lays them out in memory: faster still
lock=$target/.flux-lock        # a link to the process id of whoever is building
log=$target/flux-build.log
# 1 is looked at through 3: within the parentheses it is a pipe.
{ terminals=$(
  [ ! -t 0 ] || printf 0
  [ ! -t 3 ] || printf 1
  [ ! -t 2 ] || printf 2
); } 3>&1

help() {
  cat <<'END'
Usage: ./flux COMMAND [options]

  ask "prompt"     ask a model; the answer streams to stdout. ./flux ask --help says more
  up [--option…]   run Flux until Ctrl-C: gateway, worker, Redis and engine in one process.
                   Options are Flux's properties, such as --flux.port=9090 or --flux.slots=2
  jobs [COMMAND]   look at the jobs that run and wait, and at one. ./flux jobs --help says more
  dead COMMAND     look at the jobs that failed for good, and try them again. ./flux dead --help says more
  bench            measure Flux on this machine, each token checked. ./flux bench --help says more
  bench scale      play scaling from no worker to many and back. ./flux bench scale --help says more
  key TENANT       make a key that lets a client in. ./flux key --help says more
  help             this text

Environment:
  FLUX_URL         where `ask`, `jobs` and `dead` find Flux (default: http://127.0.0.1:8080)
  FLUX_KEY         the key that `ask`, `jobs` and `dead` show Flux; or FLUX_KEY_FILE, the file that holds it
  FLUX_CA          certificates (PEM) of who vouches for an https:// Flux (default: whom Java trusts)
  FLUX_ROUTES      folder of the route bundles (default: routes/ beside this script)
  FLUX_DATA        where Flux keeps its data (default: .flux/ beside this script)
  FLUX_…           every other option of Flux: src/main/resources/application.yaml explains each
  FLUX_JAVA_OPTS   more options for the JVM
  JAVA_HOME        the JDK to use, 17 or newer (default: the one on the PATH)
END
}

# --- Java ---------------------------------------------------------------------------------------------------------

find_java() {
  local release major
  if [ -n "${JAVA_HOME:-}" ]; then
    java=$JAVA_HOME/bin/java
    [ -x "$java" ] || fail "JAVA_HOME is $JAVA_HOME, but there is no bin/java in it"
  else
    java=$(command -v java) ||
      fail "Java 17 or newer is needed, and there is no java on the PATH; install a JDK, or set JAVA_HOME"
  fi
  # A JDK says in a file what it is; asking the JVM itself takes longer.
  release=$(dirname "$(dirname "$(resolve "$java")")")/release
  java_version=
  if [ -r "$release" ]; then
    java_version=$(sed -n 's/^JAVA_VERSION="\(.*\)"$/\1/p' "$release")
  fi
  if [ -z "$java_version" ]; then
    java_version=$("$java" -version 2>&1 | sed -n 's/.* version "\([^"]*\)".*/\1/p') || true
  fi
  major=${java_version#1.}
  major=${major%%[!0-9]*}
  [ "${major:-0}" -ge 17 ] ||
    fail "Java 17 or newer is needed; $java is ${java_version:-of unknown version}. JAVA_HOME chooses another"
}

# Java reads arguments and file names as the locale says; they are UTF-8, whatever it says.
as_utf8=(env)
case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
  *[Uu][Tt][Ff]8* | *[Uu][Tt][Ff]-8*) ;;
  *) as_utf8=(env LC_ALL=C.UTF-8) ;;
esac

# Replaces this shell, so that signals reach the JVM: run_java [--serving] [JVM option…] MAIN…, --serving for what is to run long
run_java() {
  local options=(-XX:+ExitOnOutOfMemoryError -Xshare:auto -Xlog:cds=off -Xlog:cds+dynamic=off)
  if [ "$1" = --serving ]; then
    options+=("@$home/src/main/jvm.options")
    shift
  fi
  if [ -f "$archive" ]; then
    options+=("-XX:SharedArchiveFile=$archive")
  fi
  set -f # split, but no wildcards
  # shellcheck disable=SC2206
  options+=(${FLUX_JAVA_OPTS:-})
  set +f
  exec "${as_utf8[@]}" "$java" "${options[@]}" "$@"
}

# --- Building -----------------------------------------------------------------------------------------------------

# The file that says when the jar was built: the jar's own time is fixed, to make builds reproducible.
built_at=$target/flux.jar.original

is_newer() { # is_newer THAN FILE…: whether one of the files, or of what is in them, is newer
  local than=$1
  shift
  [ -n "$(find "$@" -newer "$than" -print 2>/dev/null | head -n 1)" ]
}

is_built() {
  [ -f "$target/flux.jar" ] && [ -f "$built_at" ] || return 1
  ! is_newer "$built_at" "$home/pom.xml" "$home/src/main" || return 1
  # Routes are read from their folder, not from the jar, unless someone wants them from there.
  case ${FLUX_ROUTES:-} in
    classpath:*) ! is_newer "$built_at" "$home/routes" ;;
  esac
}

is_extracted() {
  [ -f "$app/extracted" ] && ! is_newer "$app/extracted" "$built_at"
}

archive_id() { printf '%s %s %s\n' "$app" "$java" "$java_version"; }

is_archived() {
  [ -f "$archive.for" ] && [ "$(cat "$archive.for")" = "$(archive_id)" ]
}

what_maven_does() {
  local line
  line=$(grep -E -e 'Downloading from|-plugin:.*:(compile|jar|repackage)|--- (compiler|jar|spring-boot):' "$log" | tail -n 1) || true
  case $line in
    *Downloading*) echo ": downloading ${line##*/}" ;;
    *compile*) echo ": compiling" ;;
    *jar* | *repackage*) echo ": packaging" ;;
  esac
}

nothing_to_tell() { :; }

child=

# Runs a command with its output in the log, showing that something happens: with_progress LABEL STEP COMMAND…,
# where STEP prints what the command is at, as ": doing this", or nothing.
with_progress() {
  local label=$1 step=$2 now last='' since=$SECONDS status=0
  shift 2
  "$@" </dev/null >>"$log" 2>&1 &
  child=$!
  while kill -0 "$child" 2>/dev/null; do
    now=$("$step")
    case $terminals in
      *2*) printf '\r\033[K%.78s' "flux: $label… $((SECONDS - since)) s$now" >&2 ;;
      *)
        case $now in *downloading*) now=': downloading libraries' ;; esac
        [ "$now" = "$last" ] || say "$label$now"
        ;;
    esac
    last=$now
    sleep 0.3
  done
  wait "$child" || status=$?
  child=
  case $terminals in *2*) printf '\r\033[K' >&2 ;; esac
  return "$status"
}

# Maven runs where the project is, whatever the shell's folder.
maven() {
  cd "$home"
  exec "${as_utf8[@]}" mvn -B -Dstyle.color=never -Dmaven.test.skip=true -Dspotless.check.skip=true package
}

build() {
  command -v mvn >/dev/null ||
    fail "Maven is needed to build Flux, and there is no mvn on the PATH; install it (apt install maven, brew install maven)"
  if [ -f "$target/flux.jar" ]; then
    say "building (the sources have changed)…"
  else
    say "building (first time: a few minutes, Maven downloads)…"
  fi
  : >"$log"
  : >"$target/.flux-started"
  if ! with_progress building what_maven_does maven; then
    tail -n 40 "$log" >&2
    fail "the build failed; all of its output is in $log"
  fi
  # What was edited while it was building is newer than the build.
  touch -r "$target/.flux-started" "$built_at"
  rm -f "$target/.flux-started"
}

# Into a new folder: a Flux that is running goes on with the files that it has open.
extract() {
  local fresh=$target/.flux-fresh old=$target/.flux-old
  rm -rf "$fresh" "$old"
  "${as_utf8[@]}" "$java" -Djarmode=tools -jar "$target/flux.jar" extract --destination "$fresh" >>"$log" 2>&1 ||
    fail "the jar could not be extracted; what went wrong is in $log"
  : >"$fresh/extracted"
  if [ -e "$app" ]; then
    mv "$app" "$old"
  fi
  mv "$fresh" "$app"
  rm -rf "$old"
}

# A question to a Flux of its own: whatever it loads is in the archive.
train() {
  local name
  for name in $(compgen -e FLUX_); do
    unset "$name"
  done
  export FLUX_THREADS=1
  exec "${as_utf8[@]}" "$java" "-XX:ArchiveClassesAtExit=$archive.new" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
    -cp "$app/flux.jar" io.flux.cli.Ask --url http://127.0.0.1:1 --max-tokens 8 --timeout 20s Hello
}

# Flux runs without it, only slower to start.
make_archive() {
  rm -f "$archive" "$archive.new" "$archive.for"
  say "preparing a faster start (once)…"
  if with_progress "preparing" nothing_to_tell train && [ -s "$archive.new" ]; then
    mv "$archive.new" "$archive"
  fi
  rm -f "$archive.new"
  archive_id >"$archive.for"
}

is_alive() { kill -0 "$1" 2>/dev/null || [ -d "/proc/$1" ]; }

take_lock() {
  local owner told=
  while ! ln -s "$$" "$lock" 2>/dev/null; do
    owner=$(readlink "$lock") || owner=
    if [ -z "$owner" ]; then
      [ -w "$target" ] || fail "cannot write to $target"
    elif is_alive "$owner"; then
      [ -n "$told" ] || say "another flux is building (process $owner); waiting for it…"
      told=yes
      sleep 0.3
    elif mkdir "$lock.$owner" 2>/dev/null; then
      # It was killed. Of those who see that, one removes its lock, and only its lock.
      if [ "$(readlink "$lock")" = "$owner" ]; then
        rm -f "$lock"
      fi
      rmdir "$lock.$owner"
    fi
  done
  trap drop_lock EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

drop_lock() {
  if [ -n "$child" ]; then
    kill "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
    case $terminals in *2*) printf '\r\033[K' >&2 ;; esac
  fi
  rm -f "$lock"
  trap - EXIT INT TERM HUP
}

prepare() {
  find_java
  if is_built && is_extracted && is_archived; then
    return
  fi
  mkdir -p "$target"
  take_lock
  is_built || build
  is_extracted || extract
  is_archived || make_archive
  drop_lock
}

# --- Commands -----------------------------------------------------------------------------------------------------

client() { # a short-lived program: client MAIN ARGUMENT…
  run_java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC "-Dflux.terminals=$terminals" "-Dflux.home=$home" -cp "$app/flux.jar" "$@"
}

command=${1:-help}
[ $# -eq 0 ] || shift

export FLUX_ROUTES=${FLUX_ROUTES:-$home/routes}
export FLUX_DATA=${FLUX_DATA:-$home/.flux}

case $command in
  ask)
    prepare
    client io.flux.cli.Ask "$@"
    ;;
  jobs)
    prepare
    client io.flux.cli.Jobs "$@"
    ;;
  dead)
    prepare
    client io.flux.cli.Dead "$@"
    ;;
  key)
    prepare
    client io.flux.cli.Key "$@"
    ;;
  bench)
    prepare
    client io.flux.cli.Bench "$@"
    ;;
  up)
    for option in "$@"; do
      case $option in
        -h | --help)
          help
          exit
          ;;
        --*) ;;
        *)
          say "up takes options such as --flux.port=9090, not '$option'"
          exit 2
          ;;
      esac
    done
    prepare
    run_java --serving -jar "$app/flux.jar" "$@"
    ;;
  help | --help | -h)
    help
    ;;
  *)
    say "there is no command '$command'"
    help >&2
    exit 2
    ;;
esac
