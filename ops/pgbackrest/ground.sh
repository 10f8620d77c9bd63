# shellcheck shell=bash
# What the scripts of physical backups share: which cluster, whose, where its repository is. Sourced, never run.
#   CRM_DATA_DIR          the product's data folder, whose own PostgreSQL is backed up
#   CRM_PGBACKREST_REPO   where the backups go: another disk, or better another machine's (default: CRM_DATA_DIR-physical)
#   CRM_PGBACKREST_CIPHER a file with a passphrase: the repository is encrypted with it
# shellcheck source=ops/ground.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../ground.sh"

data_dir="$(readlink -m "${CRM_DATA_DIR:-$root/.data}")"
cluster="$data_dir/postgres/data"
own="$data_dir/pgbackrest"
conf="$own/pgbackrest.conf"
# shellcheck disable=SC2034 # for setup
repo="$(readlink -m "${CRM_PGBACKREST_REPO:-$data_dir-physical}")"

need_pgbackrest() {
  command -v pgbackrest >/dev/null && return
  may_install && apt_install pgbackrest
  command -v pgbackrest >/dev/null || fail "pgbackrest is not installed (Debian and Ubuntu: apt-get install pgbackrest)."
}

need_cluster() {
  [ -f "$cluster/PG_VERSION" ] || fail "There is no cluster in $cluster: set CRM_DATA_DIR."
  owner="$(stat -c %u "$cluster")"
  group="$(stat -c %g "$cluster")"
}

# PostgreSQL and its backups belong to an ordinary user, also where root looks after them.
as_owner() {
  local name
  local -a without=()
  for name in $(compgen -e PG || true); do
    without+=(-u "$name")
  done
  if [ "$(id -u)" = 0 ] && [ "$owner" != 0 ]; then
    (cd / && env "${without[@]}" setpriv --reuid="$owner" --regid="$group" --init-groups -- "$@")
  else
    (cd / && env "${without[@]}" "$@")
  fi
}

# A folder that the cluster's owner, and nobody else, may enter.
owners_folder() {
  mkdir -p "$1"
  if [ "$(id -u)" = 0 ]; then
    chown "$owner:$group" "$1"
  fi
  chmod 700 "$1"
}

# Port and socket as the running server wrote them.
need_server() {
  [ -f "$cluster/postmaster.pid" ] || fail "The cluster in $cluster does not run: start the host first (ops/run)."
  port="$(sed -n 4p "$cluster/postmaster.pid")"
  socket="$(sed -n 5p "$cluster/postmaster.pid")"
}

ask() { as_owner "$(postgres_bin)/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$socket" -p "$port" -U postgres -d postgres -c "$1"; }

backrest() { as_owner pgbackrest --config="$conf" --stanza=crm "$@"; }
