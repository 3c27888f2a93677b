#!/usr/bin/env bash
# Run by the PostgreSQL image when it makes its database for the first time.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d "$POSTGRES_DB" -f /roles.sql
