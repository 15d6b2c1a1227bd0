// Package messages is what the gateway, which publishes messages, and message-service, which stores them, agree on.
package messages

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"storm/pkg/retry"
)

const (
	Stream  = "MESSAGES"
	Subject = "messages.posted"
)

// Message is one message, as it is published, stored and answered.
type Message struct {
	ID     string    `json:"id"`
	Text   string    `json:"text"`
	SentAt time.Time `json:"sentAt"`
}

// Connect returns at once. The connection is made, and made again whenever it is lost, in the background, and each
// time the stream is created if it isn't there: NATS keeps it on a disk that lives only as long as its pod.
func Connect(ctx context.Context, url, name string) (*nats.Conn, jetstream.JetStream, error) {
	connected := func(conn *nats.Conn) {
		slog.Info("nats: connected", "url", conn.ConnectedUrl())
		go func() {
			_ = retry.Until(ctx, "stream "+Stream, func(ctx context.Context) error { return ensureStream(ctx, conn) })
		}()
	}
	conn, err := nats.Connect(url,
		nats.Name(name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(time.Second),
		nats.ConnectHandler(connected),
		nats.ReconnectHandler(connected),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { slog.Warn("nats: not connected, trying again", "error", err) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { slog.Warn("nats: disconnected", "error", err) }),
	)
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(conn)
	return conn, js, err
}

func ensureStream(ctx context.Context, conn *nats.Conn) error {
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:     Stream,
		Subjects: []string{Subject},
		MaxAge:   24 * time.Hour,
	})
	return err
}

// Reachable is a health check: the stream answers.
func Reachable(js jetstream.JetStream) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := js.Stream(ctx, Stream)
		return err
	}
}
