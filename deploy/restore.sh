#!/bin/sh
# Restore a backup into an EMPTY database: one that exists and in which nothing of the program is.
#
#   PGHOST=… PGUSER=clinic_owner PGPASSWORD=… PGDATABASE=clinic_web_new deploy/restore.sh FILE
#
# Never into the one in use: restore beside it, look at it, then let the program use it (docs/operations.md).
# The roles clinic_owner and clinic_app must exist (deploy/postgres-roles.sql). JOBS (default 2) load at once.
set -eu

file=${1:?"say the file, such as: deploy/restore.sh /var/backups/clinic/clinic-20261121T020000Z.dump"}
: "${PGDATABASE:?"say the empty database in PGDATABASE"}"
PATH=${PGBIN:+$PGBIN:}$PATH

if [ -f "$file.sha256" ]; then
    (cd "$(dirname "$file")" && sha256sum --check --quiet "$(basename "$file").sha256")
fi
if [ "$(psql -XAtc "SELECT to_regclass('kernel.streams') IS NOT NULL")" = t ]; then
    echo "There is something in $PGDATABASE already: restore into an empty database." >&2
    exit 1
fi

# The wall (row-level security) goes up last: foreign keys are checked as the tables' owner, who would see no row
# of a table whose wall is up and whose policies are yet to come.
list=$(mktemp)
trap 'rm -f "$list"' EXIT
restore() { pg_restore --no-owner --no-comments --exit-on-error --use-list="$list" --dbname="$PGDATABASE" "$@" "$file"; }
pg_restore --list "$file" | grep -vE '^[0-9]+; [0-9]+ [0-9]+ (POLICY|ROW SECURITY) ' >"$list"
restore --jobs="${JOBS:-2}"
pg_restore --list "$file" | grep -E '^[0-9]+; [0-9]+ [0-9]+ (POLICY|ROW SECURITY) ' >"$list"
restore

# Screens know how far they have seen. After a restore they may be ahead of the database: a new epoch tells
# each of them to look again from the beginning.
psql -Xq --set=ON_ERROR_STOP=1 <<'SQL'
UPDATE kernel.streams SET epoch = gen_random_uuid();
ANALYZE;
SQL
psql -XAt --set=ON_ERROR_STOP=1 -c "SELECT 'restored: schema ' || version_num || ', '
    || (SELECT count(*) FROM reception.visits) || ' visits, '
    || (SELECT count(*) FROM payments.payment_transactions) || ' payments taken, newest event '
    || COALESCE((SELECT max(occurred_at)::text FROM kernel.domain_events), 'none') FROM public.migrations"
