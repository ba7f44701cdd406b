-- What the relay (or Debezium) reads; its replication slot is the relay's own affair.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'sluice_outbox') THEN
    CREATE PUBLICATION sluice_outbox FOR TABLE outbox_event WITH (publish = 'insert');
  END IF;
END
$$;
