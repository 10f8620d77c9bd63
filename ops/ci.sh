#!/usr/bin/env bash
# What a change must pass: locked restore, format, build, tests. The last line says how many passed and failed.
set -euo pipefail
# shellcheck source=ops/ground.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/ground.sh"
need_dotnet

step() {
  local what="$1"
  shift
  say "$what ..."
  if ! (cd "$root" && locked "$@" >&2); then
    say "$what failed."
    printf '0 passed, 1 failed\n'
    exit 1
  fi
}

step "Restore" dotnet restore EventCrm.sln --locked-mode -v q
step "Format" dotnet format EventCrm.sln --verify-no-changes --no-restore -v q
step "Scripts" bash -n ops/ground.sh ops/run ops/crm ops/bench ops/test ops/ci.sh .ci/run
step "Build" dotnet build EventCrm.sln -c Release --no-restore -p:UseSharedCompilation=false -v q -nologo -clp:NoSummary
CRM_TEST_BUILT=yes exec "$root/ops/test"
