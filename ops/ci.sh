#!/usr/bin/env bash
# What a change must pass: locked restore, format, build, tests. The last line says how many passed and failed.
set -euo pipefail
# shellcheck source=ops/ground.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/ground.sh"
explain "$@"
need_dotnet

step() {
  local what="$1"
  shift
  say "$what ..."
  if (cd "$root" && locked "$@" >&2); then
    return
  fi
  say "$what failed."
  return 1
}

parse() {
  local script
  local -a scripts
  mapfile -t scripts < <(grep -rlIE '^#(!.*bash| shellcheck shell=bash)' ops .ci/run)
  for script in "${scripts[@]}"; do
    bash -n "$script" || return
  done
  # apt-get install shellcheck
  if command -v shellcheck >/dev/null; then
    shellcheck -x "${scripts[@]}"
  fi
}

stop() {
  printf '0 passed, 1 failed\n'
  exit 1
}

# A fault of form counts as one that failed; the tests tell their part all the same.
faults=0
step "Restore" dotnet restore EventCrm.sln --locked-mode -v q || stop
step "Scripts" parse || faults=$((faults + 1))
step "Format" dotnet format EventCrm.sln --verify-no-changes --no-restore -v q || faults=$((faults + 1))
step "Build" dotnet build EventCrm.sln -c Release --no-restore -p:UseSharedCompilation=false -v q -nologo -clp:NoSummary || stop
CRM_TEST_BUILT=yes CRM_TEST_FAULTS="$faults" exec "$root/ops/test"
