-- A role and a schema for each part, on one PostgreSQL server: no part can read or change another one's tables.
-- Usage: psql -v ON_ERROR_STOP=1 -d quanyu -f roles.sql     (may be run again; it then sets the passwords)
-- Each role's password comes from the environment, COUPON_PASSWORD and so on: a command's arguments are seen by everybody
-- on the machine. deploy/postgres/roles.sh reads them from files.

\getenv coupon COUPON_PASSWORD
\getenv segments SEGMENTS_PASSWORD
\getenv journey JOURNEY_PASSWORD
\getenv inventory INVENTORY_PASSWORD
\getenv gateway GATEWAY_PASSWORD

-- no password in the server's log, whatever it is set to write (only a superuser may say so)
SELECT set_config(name, value, false)
FROM (VALUES ('log_statement', 'none'), ('log_min_error_statement', 'panic'), ('log_min_duration_statement', '-1')) AS quiet (name, value)
WHERE (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);

SELECT format('CREATE ROLE %I LOGIN', 'quanyu_' || part)
FROM unnest(ARRAY['coupon', 'segments', 'journey', 'inventory', 'gateway']) AS part
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'quanyu_' || part) \gexec

SELECT format('ALTER ROLE %I PASSWORD %L', 'quanyu_' || part, password)
FROM (VALUES ('coupon', :'coupon'), ('segments', :'segments'), ('journey', :'journey'), ('inventory', :'inventory'), ('gateway', :'gateway'))
  AS roles (part, password) \gexec

SELECT format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', part, 'quanyu_' || part)
FROM unnest(ARRAY['coupon', 'segments', 'journey', 'inventory', 'gateway']) AS part \gexec

-- nothing of ours lives in `public`, and nobody is to put anything there
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
