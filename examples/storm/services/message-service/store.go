package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"storm/pkg/messages"
)

const schema = `
CREATE TABLE IF NOT EXISTS messages (
  id      text PRIMARY KEY,
  text    text NOT NULL,
  sent_at timestamptz NOT NULL
)`

type store struct{ pool *pgxpool.Pool }

// newStore connects only when there is something to ask, so a database that starts later is no error. Where and as whom
// is in PGHOST, PGUSER, PGPASSWORD and PGDATABASE, which the library reads itself.
func newStore(ctx context.Context) (*store, error) {
	pool, err := pgxpool.New(ctx, "")
	if err != nil {
		return nil, err
	}
	return &store{pool}, nil
}

func (s *store) close() { s.pool.Close() }

func (s *store) prepare(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, schema)
	return err
}

// check fails until the table is there.
func (s *store) check(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, "SELECT 1 FROM messages LIMIT 1")
	return err
}

// add stores a message once, however often JetStream delivers it.
func (s *store) add(ctx context.Context, m messages.Message) error {
	_, err := s.pool.Exec(ctx, "INSERT INTO messages (id, text, sent_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", m.ID, m.Text, m.SentAt)
	return err
}

func (s *store) latest(ctx context.Context) ([]messages.Message, error) {
	rows, err := s.pool.Query(ctx, "SELECT id, text, sent_at FROM messages ORDER BY sent_at DESC LIMIT 100")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[messages.Message])
}
