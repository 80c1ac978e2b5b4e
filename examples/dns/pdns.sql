-- Rows for PowerDNS 4.7, after the schema (schema.sqlite3.sql). Replace what is between @ signs.
INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('xfr-key', 'hmac-sha256', '@SECRET@');
INSERT INTO domains (name, type, master) VALUES ('@ZONE@', 'SLAVE',
    '@REPLICA_1@:@REPLICA_PORT@,@REPLICA_2@:@REPLICA_PORT@,@REPLICA_3@:@REPLICA_PORT@');
INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, 'AXFR-MASTER-TSIG', 'xfr-key' FROM domains WHERE name = '@ZONE@';
-- It asks for IXFR only with this.
INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, 'IXFR', '1' FROM domains WHERE name = '@ZONE@';
