#!/usr/bin/env bash
# Run by the PostgreSQL image when it makes its database for the first time: each part's role gets the password of its own secret.
set -euo pipefail
for part in coupon segments journey inventory gateway; do
  password=$(cat "${SECRETS:-/run/secrets}/${part}_password")
  export "${part^^}_PASSWORD=$password"
done
psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d "$POSTGRES_DB" -f "${ROLES_SQL:-/roles.sql}"
