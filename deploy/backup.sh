#!/bin/sh
# Back the database up into one file, and look whether the file can be read.
#
#   PGHOST=… PGUSER=clinic_owner PGPASSWORD=… PGDATABASE=clinic_web deploy/backup.sh FOLDER
#
# The file is pg_dump's custom format, complete at the instant the dump began, while everybody works on. Beside it
# lies its checksum. Files of ours older than KEEP_DAYS (default 30) go, but never the newest.
# Where PostgreSQL's programs are not on the PATH, PGBIN names their folder.
set -eu

folder=${1:?"say the folder, such as: deploy/backup.sh /var/backups/clinic"}
: "${PGDATABASE:?"say the database in PGDATABASE"}"
PATH=${PGBIN:+$PGBIN:}$PATH
umask 077   # it holds everything about everybody

mkdir -p "$folder"
file=$folder/clinic-$(date -u +%Y%m%dT%H%M%SZ).dump
trap 'rm -f "$file.part"' EXIT

# Row-level security hides everything from everybody but the owner, also from a backup.
if [ "$(psql -XAtc "SELECT relowner::regrole::text = quote_ident(current_user) FROM pg_class
                     WHERE oid = to_regclass('identity.users')")" != t ]; then
    echo "PGUSER must be the owner of the tables in $PGDATABASE: nobody else sees every row." >&2
    exit 1
fi
pg_dump --enable-row-security --format=custom --compress=6 --lock-wait-timeout=10s --file="$file.part"
pg_restore --list "$file.part" >/dev/null
mv "$file.part" "$file"
(cd "$folder" && sha256sum "${file##*/}" >"${file##*/}.sha256")

find "$folder" -maxdepth 1 -name 'clinic-*.dump' -mtime "+${KEEP_DAYS:-30}" ! -path "$file" |
while read -r old; do
    rm -f "$old" "$old.sha256"
done
echo "$file"
