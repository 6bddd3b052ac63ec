-- Runs on every `up`, hence says "if not there yet" everywhere.
\set QUIET on
SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS products (
    name  text PRIMARY KEY,
    price numeric(8, 2) NOT NULL
);
CREATE TABLE IF NOT EXISTS orders (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    placed timestamptz NOT NULL DEFAULT now()
);
INSERT INTO products VALUES ('tea', 4.20), ('teapot', 19.90), ('cup', 6.50) ON CONFLICT DO NOTHING;
\echo migrated
