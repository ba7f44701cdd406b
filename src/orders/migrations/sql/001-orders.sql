-- Orders and the events that announce them; what an order reserves lives in Cassandra.

CREATE TABLE IF NOT EXISTS orders (
  id uuid PRIMARY KEY,
  customer_id text NOT NULL,
  status text NOT NULL CHECK (status IN ('created', 'confirmed', 'rejected', 'abandoned')),
  lines jsonb NOT NULL,
  total_minor bigint NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- An abandoned adjustment has quantity 0, so that a sum over this table is right with and without a condition.
CREATE TABLE IF NOT EXISTS stock_adjustment (
  id uuid PRIMARY KEY,
  sku text NOT NULL,
  quantity bigint NOT NULL CHECK (status = 'accepted' AND quantity <> 0 OR status = 'abandoned' AND quantity = 0),
  reason text NOT NULL,
  created_at timestamptz NOT NULL,
  status text NOT NULL DEFAULT 'accepted' CHECK (status IN ('accepted', 'abandoned'))
);

CREATE TABLE IF NOT EXISTS outbox_event (
  id uuid PRIMARY KEY,
  aggregatetype varchar(255) NOT NULL,
  aggregateid varchar(255) NOT NULL,
  type varchar(255) NOT NULL,
  payload jsonb,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- entry_id: the order or adjustment that the key's owner tries to make; lease_until: when it may be taken for dead.
CREATE TABLE IF NOT EXISTS idempotency_key (
  key text PRIMARY KEY,
  fingerprint text NOT NULL,
  entry_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('in-progress', 'done')),
  lease_until timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS idempotency_key_created_at ON idempotency_key (created_at);
