package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"storm/pkg/messages"
	"storm/pkg/retry"
)

// The consumer is durable: what is published while this service is away waits for it.
var durable = jetstream.ConsumerConfig{Durable: "message-service", AckPolicy: jetstream.AckExplicitPolicy}

// consume stores messages until the context ends, taking the consumer up again when NATS was restarted.
func consume(ctx context.Context, js jetstream.JetStream, store *store) {
	for ctx.Err() == nil {
		var arriving jetstream.MessagesContext
		err := retry.Until(ctx, "consumer "+durable.Durable, func(ctx context.Context) error {
			consumer, err := js.CreateOrUpdateConsumer(ctx, messages.Stream, durable)
			if err != nil {
				return err
			}
			arriving, err = consumer.Messages(jetstream.PullExpiry(10 * time.Second))
			return err
		})
		if err != nil {
			return
		}
		stop := context.AfterFunc(ctx, arriving.Stop)
		err = storeEach(ctx, arriving, store)
		stop()
		arriving.Stop()
		if ctx.Err() == nil {
			slog.Warn("consumer lost, taking it up again", "error", err)
		}
	}
}

func storeEach(ctx context.Context, arriving jetstream.MessagesContext, store *store) error {
	for {
		delivered, err := arriving.Next()
		if err != nil {
			return err
		}
		if err := handle(ctx, delivered, store); err != nil {
			slog.Error("message not stored, it will come again", "error", err)
			// An error here means that the connection is gone; JetStream delivers again all the same.
			_ = delivered.NakWithDelay(2 * time.Second)
		}
	}
}

func handle(ctx context.Context, delivered jetstream.Msg, store *store) error {
	var message messages.Message
	if err := json.Unmarshal(delivered.Data(), &message); err != nil {
		slog.Error("message dropped: it is not JSON", "error", err)
		return delivered.Term()
	}
	slog.Debug("message arrived", "id", message.ID)
	if err := store.add(ctx, message); err != nil {
		return err
	}
	slog.Info("message stored", "id", message.ID)
	return delivered.Ack()
}
