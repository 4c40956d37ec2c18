-- Views on the lines of `tlsresume probe --format jsonl=results.jsonl`, for duckdb:
--
--     SET VARIABLE results = 'results.jsonl';
--     .read contrib/duckdb/views.sql
--     SELECT * FROM verdicts_by_network;
--
-- Without the variable the file is results.jsonl. Each view reads it anew, however long it is.

-- One row for each target. Of several lines (--continue) the last one counts.
CREATE OR REPLACE VIEW targets AS
SELECT target ->> 'target' AS target,
       regexp_replace(target ->> 'target', ':[0-9]+$', '') AS host,
       target ->> 'fingerprint' AS fingerprint,
       target ->> 'verdict' AS verdict,
       exit_status, why,
       coalesce(target ->> 'error' ->> 'kind', '') AS error,
       CAST(target ->> 'connections' AS INTEGER) AS connections,
       CAST(target ->> 'started' AS TIMESTAMPTZ) AS started,
       target AS whole
FROM read_json(
       coalesce(getvariable('results'), 'results.jsonl'),
       format = 'newline_delimited',
       columns = {target: 'JSON', exit_status: 'INTEGER', why: 'VARCHAR'},
       maximum_object_size = 268435456)
WHERE target IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY coalesce(target ->> 'fingerprint', target ->> 'target')
    ORDER BY target ->> 'started' DESC NULLS LAST) = 1;

-- One row for each mechanism on each address.
CREATE OR REPLACE VIEW mechanisms AS
WITH addresses AS (
    SELECT target, host, verdict, unnest(CAST(whole -> 'addresses' AS JSON[])) AS address
    FROM targets),
rows AS (
    SELECT target, host, verdict, address ->> 'address' AS address,
           unnest(CAST(address -> 'mechanisms' AS JSON[])) AS mechanism
    FROM addresses)
SELECT target, host, verdict, address,
       mechanism ->> 'mechanism' AS mechanism,
       mechanism ->> 'tls_version' AS tls_version,
       mechanism ->> 'state' AS state,
       CAST(mechanism -> 'judged' AS BOOLEAN) AS judged,
       CAST(mechanism -> 'fixed' ->> 'offered' AS INTEGER)
         + CAST(mechanism -> 'chained' ->> 'offered' AS INTEGER) AS offered,
       CAST(mechanism -> 'fixed' ->> 'accepted' AS INTEGER)
         + CAST(mechanism -> 'chained' ->> 'accepted' AS INTEGER) AS accepted,
       CAST(mechanism -> 'tickets' ->> 'lifetime' AS BIGINT) AS lifetime,
       CAST(mechanism -> 'tickets' -> 'key_names' AS JSON[]) AS key_names
FROM rows;

-- How targets fare by network: /24 of IPv4, the first three groups of IPv6.
CREATE OR REPLACE VIEW verdicts_by_network AS
SELECT CASE WHEN address LIKE '%:%'
            THEN array_to_string(string_split(address, ':')[1:3], ':') || '::/48'
            ELSE regexp_replace(address, '[.][0-9]+$', '.0/24') END AS network,
       count(DISTINCT target) AS targets,
       count(DISTINCT target) FILTER (verdict = 'resumes') AS resume,
       count(DISTINCT target) FILTER (verdict = 'partly') AS partly,
       count(DISTINCT target) FILTER (verdict = 'does-not-resume') AS do_not_resume
FROM mechanisms
GROUP BY network
ORDER BY targets - resume DESC, network;

-- Keys whose tickets several names issue: who has the key reads the sessions of all of them.
CREATE OR REPLACE VIEW shared_keys AS
WITH keys AS (
    SELECT host, address, unnest(key_names) ->> 'key_name' AS key_name FROM mechanisms)
SELECT key_name,
       count(DISTINCT host) AS names,
       count(DISTINCT address) AS addresses,
       list(DISTINCT host ORDER BY host)[1:10] AS some_names
FROM keys
WHERE length(key_name) > 8  -- four bytes may be equal by chance
GROUP BY key_name
HAVING count(DISTINCT host) > 1
ORDER BY names DESC, key_name;

-- How long tickets say that they live, in seconds (0 in TLS 1.2: not stated).
CREATE OR REPLACE VIEW lifetimes AS
SELECT mechanism, lifetime,
       count(DISTINCT target) AS targets,
       min(target) AS for_example
FROM mechanisms
WHERE lifetime IS NOT NULL
GROUP BY mechanism, lifetime
ORDER BY mechanism, lifetime;

-- What is wrong, the most frequent first.
CREATE OR REPLACE VIEW findings AS
WITH rows AS (
    SELECT target, unnest(CAST(whole -> 'findings' AS JSON[])) AS finding FROM targets)
SELECT finding ->> 'code' AS code,
       finding ->> 'severity' AS severity,
       count(DISTINCT target) AS targets,
       min(target) AS for_example
FROM rows
GROUP BY code, severity
ORDER BY severity = 'error' DESC, targets DESC, code;
