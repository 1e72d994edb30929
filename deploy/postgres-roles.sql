-- Roles, database and extensions of Clinic Web, run by a superuser with psql. Safe to run again.
--
-- Two roles: the owner migrates, the application only works. The application's role owns nothing and cannot
-- step around row-level security, so a hole in the program is not a hole in the wall behind it.

\getenv owner_password CLINIC_OWNER_PASSWORD
\getenv app_password CLINIC_APP_PASSWORD

SELECT 'CREATE ROLE clinic_owner' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'clinic_owner') \gexec
SELECT 'CREATE ROLE clinic_app' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'clinic_app') \gexec
ALTER ROLE clinic_owner LOGIN NOSUPERUSER NOCREATEROLE NOBYPASSRLS PASSWORD :'owner_password';
ALTER ROLE clinic_app LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOBYPASSRLS PASSWORD :'app_password';

-- A frozen client that holds a clinic's counter row must not hold the whole clinic.
ALTER ROLE clinic_app SET lock_timeout = '2s';
ALTER ROLE clinic_app SET statement_timeout = '5s';
ALTER ROLE clinic_app SET idle_in_transaction_session_timeout = '5s';

SELECT 'CREATE DATABASE clinic_web OWNER clinic_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'clinic_web') \gexec
REVOKE ALL ON DATABASE clinic_web FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE clinic_web TO clinic_app;

\connect clinic_web
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS citext;
