-- In the place of pdns.sql: PowerDNS 4.7 takes its zones from the catalog @ZONE@.
INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('xfr-key', 'hmac-sha256', '@SECRET@');
INSERT INTO domains (name, type, master) VALUES ('@ZONE@', 'CONSUMER',
    '@REPLICA_1@:@REPLICA_PORT@,@REPLICA_2@:@REPLICA_PORT@,@REPLICA_3@:@REPLICA_PORT@');
INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, 'AXFR-MASTER-TSIG', 'xfr-key' FROM domains WHERE name = '@ZONE@';
-- 4.7 makes its members without the catalog's key, so that their transfers are refused: SQLite adds it.
CREATE TRIGGER member_key AFTER INSERT ON domains WHEN NEW.name <> '@ZONE@'
BEGIN
  INSERT INTO domainmetadata (domain_id, kind, content) VALUES (NEW.id, 'AXFR-MASTER-TSIG', 'xfr-key');
  INSERT INTO domainmetadata (domain_id, kind, content) VALUES (NEW.id, 'IXFR', '1');
END;
