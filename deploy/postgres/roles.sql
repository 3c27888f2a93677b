-- A role and a schema for each part, on one PostgreSQL server: no part can read or change another one's tables.
-- Usage: psql -v ON_ERROR_STOP=1 -d quanyu -f roles.sql     (may be run again; it then sets the passwords)
-- The password comes from the environment, POSTGRES_PASSWORD: a command's arguments are seen by everybody on the machine.

\getenv password POSTGRES_PASSWORD

SELECT format('CREATE ROLE %I LOGIN', 'quanyu_' || part)
FROM unnest(ARRAY['coupon', 'segments', 'journey', 'inventory', 'gateway']) AS part
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'quanyu_' || part) \gexec

SELECT format('ALTER ROLE %I PASSWORD %L', 'quanyu_' || part, :'password')
FROM unnest(ARRAY['coupon', 'segments', 'journey', 'inventory', 'gateway']) AS part \gexec

SELECT format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', part, 'quanyu_' || part)
FROM unnest(ARRAY['coupon', 'segments', 'journey', 'inventory', 'gateway']) AS part \gexec

-- nothing of ours lives in `public`, and nobody is to put anything there
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
