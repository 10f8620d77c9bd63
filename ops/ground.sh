# shellcheck shell=bash
# The ground that the other scripts stand on: where things are, what must be installed, one build at a time. Sourced, never run.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# Prints what the script says of itself at its head, where that is asked for.
explain() {
  case "${1:-}" in
    -h | --help)
      sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"
      exit 0
      ;;
  esac
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 1
  fi
}

may_install() { command -v apt-get >/dev/null && as_root true; }

# Lists that were never fetched are fetched only when the package is not found without them.
apt_install() {
  local options=(-y -q --no-install-recommends -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confold)
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" >&2 && return
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q -o DPkg::Lock::Timeout=600 >&2 || true
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" >&2
}

# The folder of PostgreSQL's server programs; the host itself looks more closely.
postgres_bin() {
  local program folder
  if [ -n "${CRM_PG_BIN:-}" ]; then
    [ -x "$CRM_PG_BIN/postgres" ] && printf '%s' "$CRM_PG_BIN"
    return
  fi
  for folder in $(compgen -G '/usr/lib/postgresql/*/bin' | sort -rV) $(compgen -G '/usr/pgsql-*/bin' | sort -rV); do
    if [ -x "$folder/postgres" ] && [ -x "$folder/initdb" ]; then
      printf '%s' "$folder"
      return
    fi
  done
  program="$(command -v postgres)" && dirname "$(readlink -f "$program")"
}

need_postgres() {
  [ -n "$(postgres_bin || true)" ] && return
  if [ -n "${CRM_PG_BIN:-}" ]; then
    fail "CRM_PG_BIN is $CRM_PG_BIN, and there is no postgres in it."
  fi
  if ! may_install; then
    fail "PostgreSQL (14 or later, with its contrib modules) is not installed, and this user may not install it. Debian and Ubuntu: apt-get install postgresql postgresql-contrib. Or set ConnectionStrings__Crm to a database that runs elsewhere."
  fi
  say "Installing PostgreSQL ..."
  # The package would start a cluster of its own on port 5432, which nobody asked for.
  if [ ! -d /etc/postgresql ] && apt_install postgresql-common; then
    as_root sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf || true
  fi
  apt_install postgresql postgresql-contrib || fail "PostgreSQL could not be installed; see above."
}

need_dotnet() {
  export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
  # Build servers outlive their build, and would hold its lock.
  export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0
  if ! command -v dotnet >/dev/null && [ -x "$HOME/.dotnet/dotnet" ]; then
    PATH="$HOME/.dotnet:$PATH"
  fi
  if ! command -v dotnet >/dev/null || ! (cd "$root" && dotnet --version >/dev/null 2>&1); then
    if ! may_install || ! apt_install dotnet-sdk-10.0 || ! (cd "$root" && dotnet --version >/dev/null 2>&1); then
      fail "The .NET SDK 10 is not installed (global.json says which). Install it, or put it on PATH."
    fi
  fi
}

# What is built goes into a folder of its own for each user: no quarrel with an editor's builds, or with root's.
build_folder() {
  local folder
  for folder in "$root/.build" "${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/crm-build-$(printf '%s' "$root" | cksum | cut -d' ' -f1)" \
    "${TMPDIR:-/tmp}/crm-build"; do
    folder="$folder/$(id -u)"
    # Owned by us: in a folder that all may write to, somebody else could have laid programs ready.
    if mkdir -p "$folder" 2>/dev/null && [ -O "$folder" ] && [ -w "$folder" ]; then
      printf '%s' "$folder"
      return
    fi
  done
  fail "There is no folder to build in: $root/.build cannot be written."
}
build="$(build_folder)"
# The SDK and its packages need a home, which accounts of services lack.
if [ ! -w "${HOME:-/nonexistent}" ]; then
  mkdir -p "$build/home"
  export HOME="$build/home"
fi
export ArtifactsPath="$build"
export CRM_REPOSITORY="$root"

# One build at a time; its children do not inherit the lock.
locked() {
  (
    flock 9
    "$@" 9>&-
  ) 9>"$build/.lock"
}

sources() {
  (cd "$root" && find src Directory.Build.props Directory.Packages.props global.json -type f \
    -not -path '*/obj/*' -not -path '*/bin/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
}

build_host() {
  local dist="$1" log
  [ -f "$dist/crm.dll" ] && return
  log="$build/build.log"
  say "Building ..."
  if ! (cd "$root" && dotnet build src/Crm.Web/Crm.Web.csproj -c Release -p:RestoreLockedMode=true -p:UseSharedCompilation=false -v q -nologo -clp:NoSummary) >"$log" 2>&1; then
    cat "$log" >&2
    fail "The build failed."
  fi
  rm -rf "$dist.new"
  mkdir -p "$build/host"
  cp -R "$build/bin/Crm.Web/release" "$dist.new"
  mv "$dist.new" "$dist"
  # A host that still runs keeps its files for a week; later ones have long been forgotten.
  find "$build/host" -mindepth 1 -maxdepth 1 -mtime +7 -not -path "$dist" -exec rm -rf {} + || true
}

# Sets $host to the host's program: the one that CRM_HOST names, or else one that is built from the sources as they are now.
prepare_host() {
  local dist
  if [ -n "${CRM_HOST:-}" ]; then
    [ -f "$CRM_HOST" ] || fail "CRM_HOST is $CRM_HOST, and there is no such file."
    # shellcheck disable=SC2034 # for the script that sources this one
    host="$(readlink -f "$CRM_HOST")"
  else
    need_dotnet
    dist="$build/host/$(sources)"
    locked build_host "$dist"
    # shellcheck disable=SC2034
    host="$dist/crm.dll"
  fi
  export CRM_DATA_DIR="${CRM_DATA_DIR:-$root/.data}"
  case "$CRM_DATA_DIR" in
    /*) ;;
    *) CRM_DATA_DIR="$PWD/$CRM_DATA_DIR" ;;
  esac
  if [ -z "${ConnectionStrings__Crm:-}" ]; then
    need_postgres
  fi
}
